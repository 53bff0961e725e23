Feature: What the web areas hold reaches the node as its list says
  Operators and communities bring files of several kinds. Each arrives under its own name, is what
  was signed, and does what its kind promises.

  Scenario Outline: The operator's own files
    Given a factory that signs with <hash> and has files of every kind
    When a glidein is rehearsed
    Then each file lies in its place
    And its script ran once, with the configuration and the section as arguments
    And what the script set is in the configuration
    And the community's piece of configuration is the last that HTCondor reads

    Examples:
      | hash   |
      | sha256 |
      | sha1   |

  Scenario: The areas of a Frontend of today
    Given a Frontend that publishes areas as the reference does
    When a glidein is rehearsed for it
    Then its files and constants reached the node, in the order of the lists

  Scenario Outline: An area of a Frontend that cannot be trusted
    Given a Frontend that publishes areas as the reference does
    But in its area <flaw>
    When a glidein is rehearsed for it
    Then it ends with code 30
    And its log says "<words>"
    And nothing of the area was run
    And nothing of it remains on the node

    Examples:
      | flaw                                         | words                |
      | a listed file has no signature               | is not signed        |
      | a listed file is another                     | hello.k3cbZC.sh      |
      | the list is another                          | file_list            |
      | a name leads to another folder               | refused as a file name |
      | an archive leads out of its folder           | bad.k3cbZC.tgz       |
      | an archive has a device in it                | bad.k3cbZC.tgz       |
      | an archive's folder leads out                | leads out            |

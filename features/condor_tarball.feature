Feature: One HTCondor tarball for every Linux
  A factory does not know what its worker nodes run. The tarball brings all that HTCondor needs,
  so that one per processor is enough, from the oldest node to the newest.

  @condor
  Scenario Outline: The same tarball runs jobs wherever it is unpacked
    Given an HTCondor tarball made from Debian <suite>
    And a pool with a job
    When a worker node <kind> starts the HTCondor of the tarball
    Then the job runs on that node

    Examples:
      | suite  | kind                     |
      | trixie | like this machine        |
      | trixie | of Debian 11             |
      | trixie | without any C library    |
      | sid    | like this machine        |
      | sid    | of Debian 11             |
      | sid    | without any C library    |

  @condor
  Scenario Outline: The tarball is small and says what it is made of
    Given an HTCondor tarball made from Debian <suite>
    When somebody looks into it
    Then it takes at most 16 MB
    And its manifest names the version, the processor, each package and what was left out
    And all programs in it are made for "x86_64"

    Examples:
      | suite  |
      | trixie |
      | sid    |

  @condor
  Scenario: The same packages make the same tarball
    Given an HTCondor tarball made from Debian trixie
    When it is made once more
    Then both are equal to the byte

  @condor
  Scenario: A tarball for another processor
    When the tarball for "arm64" is made from Debian trixie
    Then it is named after the processor "aarch64"
    And all programs in it are made for "aarch64"

  @condor
  Scenario: A tarball from an installed HTCondor
    Given an installed HTCondor
    When a tarball is made from where it is installed
    Then HTCondor runs where the tarball is unpacked
    And that needs nothing of where it was installed

  @condor
  Scenario: Upstream's tarball, without what a worker node has no use for
    Given upstream's tarball of HTCondor
    When a tarball is made from it
    Then it has what a worker node needs and nothing that changes a program

  @condor
  Scenario Outline: A work directory far down
    Given an HTCondor tarball made from Debian trixie
    When a glidein unpacks it in a folder <depth>
    Then <outcome>

    Examples:
      | depth                        | outcome                                       |
      | with blanks in its name      | HTCondor runs there                           |
      | with a path of 900 bytes     | HTCondor runs there                           |
      | with a path of 1100 bytes    | the glidein says that the path is too long    |

  Scenario Outline: What cannot be made is refused with the reason
    When a tarball is asked for <what>
    Then the answer names "<reason>"

    Examples:
      | what                            | reason                               |
      | for a processor nobody has      | expected one of amd64, arm64, ppc64el |
      | from a suite with a bad name    | expected a name like trixie          |
      | from a file that is no archive  | not a tar archive                    |
      | from a file that is not there   | no such file                         |
      | from a folder without HTCondor  | no HTCondor there                    |
      | from two sources                | give one of                          |

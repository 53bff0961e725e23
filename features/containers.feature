@condor @needs_root @needs_busybox
Feature: Jobs run in containers where the node can do that, and nobody guesses whether it can
  A program that tells its version may still not run a container. So a glidein runs one, with a real image,
  before it says so to the pool; and where it does not, it says which test failed and how to try by hand.

  Scenario Outline: A node with apptainer, an ordinary user, and a job with an image
    Given a node with the apptainer of Debian, and an image
    And a site where <what>
    When a glidein joins a pool of Debian <suite>, whose Frontend prefers containers
    Then its slots tell where apptainer is, which version it has, and that it was tried
    And a job that brings an image runs in it

    Examples:
      | suite  | what                                        |
      | trixie | the image is a folder                       |
      | sid    | the image is a folder                       |
      | sid    | the image was not built, only unpacked      |
      | sid    | the image is one file                       |

  Scenario Outline: What a glidein finds out
    Given a node with the apptainer of Debian, and an image
    And a site where <what>
    When a glidein is rehearsed whose Frontend prefers containers
    Then its report says containers "<key>" are "<value>"

    Examples:
      | what                                          | key            | value        |
      | the image has no shell                        | refused        | test "run" failed |
      | the image is not there                        | refused        | test "image" |
      | the image is on CVMFS                         | image          | /cvmfs.test/ |
      | the image is in a registry                    | image          | oras://      |
      | nothing is forbidden                          | pid_namespaces | True         |

Feature: A node that cannot run a glidein says so, and why
  Jobs that land on a broken node fail by the hundred. A glidein looks before it offers the node to
  anybody, and tells a person what it found, what it needed, and how long it took to find out.

  Scenario: A good node
    When a person lets the glidein check the node
    Then every check tells what it found, what was needed and how long it took
    And no check failed
    And what only a factory could ask for is called not asked
    And the table fits a terminal of 80 columns
    And the check leaves no file and no process

  Scenario Outline: What is wrong is named
    Given a node where <trouble>
    When a person lets the glidein check the node
    Then "<check>" fails, blaming "<reason>"
    And it ends with code 40
    And the check leaves no file and no process

    Examples:
      | trouble                                   | check     | reason                       |
      | a tool does not execute                   | tools     | tar                          |
      | a tool hangs                              | tools     | not done in 2 s              |
      | few files may be open                     | files     | hard 100                     |
      | files may not grow                        | workdir   | ulimit -f                    |
      | nothing listens on the collector's port   | collector | Connection refused           |
      | the collector takes no connections        | collector | no answer in 2 s             |
      | one of two pools is down                  | collector | : reached; 127.0.0.1         |
      | the collector's name does not exist       | names     | does not resolve             |
      | the collector's address is nonsense       | collector | cannot understand            |
      | a tool is missing                         | tools     | missing: sed                 |
      | the disk is tiny                          | disk      | 4 MB                         |
      | the disk is full                          | workdir   | 1 MB cannot be written there |
      | no more files can be made                 | disk      | inodes free                  |
      | programs may not be executed in the slot  | workdir   | Permission denied            |
      | nothing may be written in the slot        | workdir   | not a directory              |
      | a CVMFS repository that it needs hangs    | cvmfs     | dead.example.org: no answer  |
      | a CVMFS repository that it needs is not there | cvmfs | none.example.org: not there  |

  Scenario Outline: What a glidein can live with is a warning, or none
    Given a node where <oddity>
    When a person lets the glidein check the node
    Then "<check>" is <status>, mentioning "<words>"
    And it ends with code 0

    Examples:
      | oddity                                    | check     | status | words                 |
      | one of two collectors is down             | collector | ok     | reached               |
      | one of two collectors is silent           | collector | ok     | reached               |
      | curl does not execute                     | tools     | warn   | web: wget             |
      | a pool is down that nobody minds          | collector | warn   | Connection refused    |
      | its own name does not resolve             | names     | warn   | own nowhere.invalid   |
      | a CVMFS repository hangs that nobody needs | cvmfs    | warn   | dead.example.org: no  |
      | a CVMFS repository hangs that programs are looked for in | cvmfs | warn | dead.example.org: no |

  Scenario: The result is there for programs, too
    Given a node where nothing listens on the collector's port
    When a person lets the glidein check the node and asks for JSON
    Then the report holds each check with the numbers of the table

  Scenario: A person loses patience
    Given a node where the collector takes no connections
    When a person interrupts the check
    Then the check leaves no file and no process

  Scenario: Few processes are needed to find out
    Given a node where nothing is wrong
    When a person counts the processes of a check that a glidein makes
    Then there are at most 25

  @condor
  Scenario Outline: The clock is compared with the web server's
    Given a factory whose clock is <seconds> seconds ahead
    When a glidein is rehearsed there
    Then its check "clock" is <status>

    Examples:
      | seconds | status |
      |       0 | ok     |
      |     120 | warn   |
      |  -90000 | fail   |

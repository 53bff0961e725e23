Feature: What communities bring to a glidein runs unchanged
  Scripts written for the reference system check nodes, set attributes and wrap jobs. Nobody rewrites
  them for us: they find what they know, and see what they would see there.

  Scenario: Scripts in the style of those in use
    Given a Frontend with scripts of every style
    When a glidein is rehearsed for it
    Then every script ran in its turn and found what it needs
    And what the scripts advertise is what HTCondor will advertise
    And the job wrapper is the community's files, then the job
    And the report tells how each script ended and how long it took
    And the areas of the Frontend cost at most 4 rounds of requests

  Scenario: No script sees what its turn has not brought
    Given a Frontend whose scripts look around
    When a glidein is rehearsed for it
    Then each saw the files and facts of the turns before it, and no others

  @condor
  Scenario: What scripts set up works while the glidein runs
    Given a Frontend with a periodic script, a job wrapper and a clean-up script
    And a pool with a job waiting
    When a glidein runs for it until there is no more work
    Then the pool saw what the periodic script said, and that it is fine
    And the job ran inside the wrapper
    And the clean-up script ran at the end, and its message was shown
    And nothing of it remains on the node

  @condor
  Scenario: A periodic script that fails later is seen by the pool
    Given a Frontend whose periodic script fails from its second turn on
    When a glidein runs for it
    Then the pool sees that a periodic script fails, and which one
    And the glidein can be ended, and nothing of it remains

  Scenario Outline: Scripts that misbehave hurt nobody
    Given a Frontend whose first script <does>
    When a glidein is rehearsed for it
    Then its next script finds all in order
    And nothing of it remains on the node

    Examples:
      | does                                      |
      | leaves daemons behind                     |
      | closes its descriptors and reads its input |
      | writes a flood of binary noise            |
      | has our functions in its environment      |
      | changes the shell and the limits          |
      | fills glidein_config with junk            |

  Scenario Outline: Scripts that end a glidein are named
    Given a Frontend whose first script <does>
    When a glidein is rehearsed for it
    Then it ends with code 61
    And its log says "<words>"
    And its description for log tools names the script
    And nothing of it remains on the node

    Examples:
      | does                            | words                               |
      | says no                         | no scratch here                     |
      | hangs, with children            | it took over 2 seconds and was ended |
      | removes glidein_config          | it broke glidein_config             |

  Scenario: A glidein that is stopped while a script runs
    Given a Frontend whose first script hangs, with children
    When a glidein is rehearsed for it, and stopped while the script runs
    Then it ends with code 69
    And nothing of it remains on the node

  @needs_root
  Scenario: Twenty scripts spend their time in themselves
    Given a factory with twenty scripts as communities have them
    When a glidein is rehearsed there, its processes counted
    Then its report has the time of each of the twenty
    And it started at most 12 processes for each script
    And most of the time was theirs

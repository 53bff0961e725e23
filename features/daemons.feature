@condor
Feature: Frontends find a factory's entries, and get the glideins they ask for
  A factory runs for months. Daemons are killed, collectors go away and come back, operators change
  their minds; what Frontends were promised stays true, and no glidein is submitted twice.

  Scenario: A Frontend finds the entries and gets glideins
    Given a factory at work with the entries "north" and "south"
    When a Frontend asks "north" for 2 idle glideins
    Then 2 glideins of "north" wait in the queue
    And the factory tells the Frontend that it has 2 idle glideins at "north"
    And nothing is submitted for "south"

  Scenario Outline: A daemon is killed
    Given a factory at work with the entries "north" and "south"
    And a Frontend has got 2 glideins of "north"
    When the <daemon> daemon is killed
    Then the entries "north" and "south" are advertised anew
    And the Frontend still has 2 glideins of "north"

    Examples:
      | daemon  |
      | Factory |
      | Entry   |
      | views   |

  Scenario: The collector is lost and comes back
    Given a factory at work with the entries "north" and "south"
    When the collector is killed
    Then the entries "north" and "south" are advertised anew
    And a Frontend that asks "south" for 1 idle glidein gets it

  Scenario: An entry is taken out of service and back
    Given a factory at work with the entries "north" and "south"
    And the entry "north" is in a downtime, for "new disks"
    When a Frontend asks "north" for 2 idle glideins
    Then the entry "north" is advertised as down, for "new disks"
    And nothing is submitted for "north"
    And after the downtime the Frontend gets 2 glideins of "north"

  Scenario: An entry whose daemon keeps dying is left down, and says so
    Given a factory at work with the entries "north" and "south"
    When the Entry daemon is killed again and again
    Then the entry "north" is advertised as down, for "left down: ended by SIGKILL"
    And the entry "south" is in service

  Scenario: A new configuration is taken over while the factory works
    Given a factory at work with the entries "north" and "south"
    And a Frontend has got 2 glideins of "north"
    When the operator retires "north" and adds "west"
    Then "west" is advertised
    And "north" is advertised as down until its glideins are gone

  Scenario: A factory that stops takes its ads along, and leaves its glideins
    Given a factory at work with the entries "north" and "south"
    And a Frontend has got 2 glideins of "north"
    When the factory is told to stop
    Then no ad of the factory is left
    And 2 glideins of "north" wait in the queue

  @slow
  Scenario Outline: A user's job runs in a glidein that its Frontend asked for
    Given a factory at work with the entry "here" whose glideins run <where>
    And a user whose job waits in the Frontend's pool
    When the Frontend, of series <series>, asks "here" for 1 idle glidein, for its pool
    Then the job runs in the glidein
    And the factory tells the Frontend that 1 glidein runs at "here"
    And nobody else sees the glidein's tokens
    And once the glidein has ended, the factory has its outputs and counts a good one

    Examples:
      | where                   | series |
      | on the schedd's machine | 3.11   |
      | in Slurm                | 3.10   |
      | behind an HTCondor-CE   | 3.11   |

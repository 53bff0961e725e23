Feature: However a glidein ends, nothing of it remains on the node
  Batch systems end jobs when they please, disks fill up, sites break. The slot belongs to the
  next job: no process, no file, and an exit code that tells where it ended.

  Scenario Outline: A signal in any phase
    Given a glidein that takes its time in phase <phase>
    When the batch system sends it <signal> there
    Then it ends within 20 seconds with code <code>
    And its report names the signal and the phase
    And nothing of it remains on the node

    Examples:
      | phase     | signal | code |
      | prepare   | TERM   | 19   |
      | fetch     | TERM   | 29   |
      | fetch     | INT    | 29   |
      | verify    | TERM   | 39   |
      | check     | HUP    | 49   |
      | condor    | TERM   | 59   |
      | condor    | QUIT   | 59   |
      | configure | TERM   | 69   |

  @condor
  Scenario Outline: A signal while HTCondor runs
    Given a glidein that has joined the pool
    When the batch system sends it <signal> there
    Then it ends within 40 seconds with code 79
    And the pool has forgotten it
    And nothing of it remains on the node

    Examples:
      | signal |
      | TERM   |
      | HUP    |
      | INT    |
      | QUIT   |

  Scenario Outline: A failing step
    Given a glidein where <trouble>
    When it runs
    Then it ends with code <code>
    And its log says "<words>"
    And nothing of it remains on the node

    Examples:
      | trouble                                  | code | words                          |
      | the web server is down                   | 20   | description                    |
      | the disk is full                         | 50   | No space left                  |
      | a script says no                         | 61   | refuse_node.sh                 |
      | the signature file is another            | 30   | signature                      |
      | a signed file was changed                | 30   | wrong_file                     |
      | a file is not signed                     | 30   | is not signed                  |
      | the work directory cannot be written     | 10   | cannot write                   |
      | the collector's port is closed           | 40   | Connection refused             |
      | a script never ends                      | 61   | status=124                     |

  Scenario Outline: Nobody reads what it says
    Given a glidein whose <output>
    When it runs
    Then it ends with code <code>
    And nothing of it remains on the node

    Examples:
      | output                         | code |
      | output goes to a closed pipe   | 80   |
      | descriptors are all closed     | 0    |

  Scenario: A glidein that was killed outright is swept away by the next
    Given a glidein that takes its time in phase configure
    When it is killed outright
    And another glidein runs in the same place
    Then nothing of the killed one remains
    But a living neighbour and the folders of others were not touched

  Scenario: The stop list
    Given a glidein that has joined the pool
    When the operator puts its entry on the stop list
    Then it ends within 80 seconds with code 3
    And a new glidein of that entry ends with code 3 before it brings HTCondor

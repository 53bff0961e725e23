@condor
Feature: A glidein serves its pool while it can, and says how it ended
  A pool plans with what its slots say, and an operator with why glideins end. So a slot tells
  the truth about itself, never outlives its time, leaves no process behind, and its end has a name.

  Scenario Outline: What the pool sees, and what a job sees
    Given a pool of Debian <suite>
    And a job that waits in it
    When a glidein joins, with <values> among what it is to advertise
    Then the pool shows these values unchanged
    And its slots carry all that a Frontend counts by
    And its slots carry all that is told of a glidein
    And the job ran in its own folder, and saw where

    Examples:
      | suite  | values                         |
      | trixie | quotes, macros and backslashes |
      | sid    | quotes, macros and backslashes |

  Scenario Outline: However a glidein ends, its report says which end it was
    Given a pool of Debian <suite>
    When a glidein runs in it and <event>
    Then it ends with code <code>
    And its report says it ended "<cause>"
    And nothing of it remains on the node
    And the pool shows nothing of it any more

    Examples:
      | suite  | event                             | code | cause            |
      | trixie | finds no work in one slot         | 0    | idle             |
      | sid    | finds no work in one slot         | 0    | idle             |
      | trixie | finds no work in fixed slots      | 0    | idle             |
      | sid    | finds no work in fixed slots      | 0    | idle             |
      | sid    | finds no work in slots of 3 kinds | 0    | idle             |
      | trixie | its time for new jobs is over     | 0    | retired          |
      | sid    | its time is over                  | 0    | retired          |
      | trixie | its batch job will soon be over   | 0    | retired          |
      | trixie | the site shuts the node down      | 0    | drained          |
      | sid    | the site shuts the node down      | 0    | drained          |
      | trixie | is only to be checked             | 0    | checked          |
      | sid    | is only to be checked             | 0    | checked          |
      | trixie | condor_master is killed           | 72   | killed           |
      | trixie | condor_startd is killed           | 72   | killed           |
      | trixie | condor_startd crashes             | 71   | crashed          |
      | trixie | has no token                      | 73   | never_registered |
      | sid    | has a token of another pool       | 73   | never_registered |
      | trixie | joins what is no pool             | 73   | never_registered |

  Scenario Outline: Jobs that try to stay
    Given a pool of Debian <suite>
    And a job that leaves a process behind, <how>
    When a glidein runs it and is told to stop
    Then it ends with code 79
    And nothing of the job remains either

    Examples:
      | suite  | how                                       |
      | trixie | in a session of its own                   |
      | sid    | in a session of its own                   |
      | sid    | in a session and environment of its own   |

  Scenario: A job that does not stop when told is stopped
    Given a pool of Debian sid
    And a job that ignores signals
    When a glidein that grants 2 seconds runs it and is told to stop
    Then it ends with code 79
    And nothing of the job remains either

  Scenario: A glidein that is to leave in peace finishes its job first
    Given a pool of Debian sid
    And a job that takes 6 seconds
    When the stop list names the glidein that runs it
    Then the job ends well
    And it ends with code 3

  Scenario: A job that an entry wants held is held
    Given a pool of Debian sid
    And a job that takes 300 seconds
    When a glidein runs it whose entry holds jobs that run for long
    Then the job is held, and the startd says so

  Scenario: A token that is renewed while a glidein runs is used from then on
    Given a pool of Debian sid
    When a glidein has joined, and a new token comes to where the first one was
    Then the glidein's HTCondor has the new token

  Scenario Outline: A pool and a factory that ask are told why a glidein failed
    Given a pool of Debian <suite>
    When a glidein that is to tell of failures lands on a node with too little disk
    Then the pool shows a drained machine that says why
    And the factory is shown the same of its master
    And it ends within 60 seconds with code 40
    And the pool shows nothing of it any more
    And nothing of it remains on the node

    Examples:
      | suite  |
      | trixie |
      | sid    |

  Scenario Outline: Work directories that HTCondor does not like
    Given a pool of Debian <suite>
    And a job that waits in it
    When a glidein joins from a folder with <oddity>
    Then the job ends well
    And it ends with code 0
    And nothing of it remains on the node

    Examples:
      | suite  | oddity               |
      | trixie | blanks and a comma   |
      | sid    | blanks and a comma   |
      | sid    | a very long name     |

Feature: A batch slot becomes an execute node of a pool
  This is what a glidein is for. Whatever the node is like, a user's job runs in it, and the glidein
  leaves by itself when there is no more work.

  @condor
  Scenario Outline: A user's jobs run in a glidein
    Given a factory that publishes HTCondor of Debian <suite>
    And a pool of the same HTCondor with two jobs waiting
    When a glidein starts on a node
    Then both jobs ran in the glidein
    And the glidein left because it was idle
    And its report counts 2 jobs and tells HTCondor's version
    And nothing of it remains on the node

    Examples:
      | suite  |
      | trixie |
      | sid    |

  Scenario Outline: Odd shells and odd nodes
    Given a factory that publishes HTCondor of Debian trixie
    And a node with <oddity>
    When a glidein starts there, up to the launch
    Then it got through every phase up to the launch
    And nothing of it remains on the node

    Examples:
      | oddity                                |
      | POSIXLY_CORRECT set                   |
      | an empty PATH                         |
      | no PATH at all                        |
      | an odd IFS                            |
      | an odd locale                         |
      | blanks in the slot's name             |
      | a closed standard input               |
      | a closed standard output              |
      | a shell that acts its grandfather     |
      | a noexec /tmp                         |
      | only wget to fetch with               |
      | functions and aliases of its own      |

  Scenario Outline: A node that has HTCondor already
    Given a node that has HTCondor installed
    And a factory whose entry names it <how>
    When a glidein is tried there, up to the launch
    Then it took HTCondor from <where>
    And nothing of it remains on the node

    Examples:
      | how                              | where    |
      | as the one to use                | the node |
      | first of several paths to try    | the node |
      | but looks in a wrong place first | the node |
      | in a path that is not there      | the web  |

  Scenario: A node whose HTCondor is not where the entry says
    Given a node that has HTCondor installed
    And a factory whose entry names it in a place that is empty
    When a glidein is tried there, up to the launch
    Then it ends with code 50
    And its log says "no HTCondor in /nowhere"

  Scenario: Several glideins in one slot
    Given a factory that publishes HTCondor of Debian trixie
    When a slot starts 3 glideins at once, up to the launch
    Then there are 3 reports of different glideins
    And each has its log to itself
    And nothing of it remains on the node

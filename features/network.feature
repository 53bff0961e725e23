@condor @needs_squid @needs_namespaces
Feature: A glidein works where the node has next to no network
  Many sites let nothing in, and out only to their own web cache and to one port of the pool. Jobs
  run there all the same: daemons are reached through a broker (CCB), and where even the queue is
  out of reach, HTCondor 25.13 and later reach it through the broker as well.

  Scenario Outline: Two ways out: a web proxy, and the one port of the pool
    Given a node that reaches nothing but a web proxy and the port of a pool of Debian <suite>
    And a job that waits in that pool
    When a glidein with <settings> starts there
    Then the job ends well on that node
    And the glidein leaves with code 0, and nothing of it remains

    Examples:
      | suite  | settings              |
      | trixie | CCB                   |
      | sid    | CCB and a shared port   |

  Scenario: Two ways out: a web proxy, and the port of a broker
    Given a node that reaches nothing but a web proxy and the broker of a pool of Debian sid
    And a job that waits in that pool
    When a glidein with outbound CCB starts there
    Then the job ends well on that node
    And the glidein leaves with code 0, and nothing of it remains

  Scenario: A broker that takes nobody out leaves a word in the report
    Given a node that reaches nothing but a web proxy and the broker of a pool of Debian sid
    And a job that waits in that pool
    When a glidein with outbound CCB, and a token without that right, starts there
    Then it ends without a job, and says who was out of reach

  Scenario: An HTCondor that is too old to go out through a broker says so
    Given a node that reaches nothing but a web proxy and the broker of a pool of Debian trixie
    When a glidein with outbound CCB starts there
    Then the glidein leaves with code 60, blaming the version of its HTCondor

@condor
Feature: What a glidein says is known while it runs
  A batch system that kills a glidein outright takes its log with it. With an address to send it to, all but the
  last few seconds is there; and who does not answer is not waited for.

  Scenario: Lines arrive while the glidein runs
    Given a server that takes logs from who has the token
    And a factory with a script that goes on for long
    When a glidein runs there, which has the token
    Then the server has the line "the script is at work" while it runs
    And the server has the line "phase=condor verdict=ok" while it runs
    When the batch system kills all of it outright
    Then the server keeps what it had said, and the token is nowhere in it

  Scenario: A server that never answers
    Given a server that never answers
    And a published factory
    When a glidein is tried there, up to the launch
    Then it ends with code 0
    And nothing of it remains on the node

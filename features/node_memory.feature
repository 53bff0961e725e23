Feature: What one glidein learns on a node helps the next
  A node that breaks glideins must not eat the queue, and what was downloaded and verified once
  need not come over the network again.

  Scenario: HTCondor is downloaded once
    Given a node where a glidein has run before
    When another glidein runs there
    Then it brings only descriptions and the stop list over the network

  Scenario: A damaged object in the node's cache is not used
    Given a node where a glidein has run before
    And somebody has damaged what it left in the cache
    When another glidein runs there
    Then it succeeds, and says which object was damaged

  Scenario: Failures make the next glideins wait, longer each time
    Given a node where three glideins in a row failed
    When another glidein runs there
    Then it waits before it tries, and its report says how long
    And a glidein that succeeds makes the node forget

  Scenario: What is kept for the next glidein stays within its bound
    Given a node that may keep 1 MB
    When a glidein has run there
    Then no more than that is kept

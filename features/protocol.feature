@condor
Feature: Factory and Frontends understand each other through a collector
  All they know of one another are ads. Anybody who may advertise can put ads there, so it counts
  who the collector says an ad is from; and what a Factory leaves behind misleads Frontends.

  Scenario Outline: A Frontend of either series finds an entry, asks it, and is understood
    Given a collector of Debian <suite>
    And a Factory that advertises the entry "here"
    When a Frontend like those of <series> asks "here" for 2 idle glideins, 5 at most
    Then the ads are of the types that the other side looks for, and from whom they should be
    And the Factory sees a request for 2 idle glideins, 5 at most
    And it keeps the tokens that came with it, for nobody else to read

    Examples:
      | suite  | series |
      | trixie | 3.10   |
      | sid    | 3.10   |
      | sid    | 3.11   |

  Scenario Outline: A captured ad helps nobody else
    Given a collector of Debian sid
    And a Factory that advertises the entry "here"
    And a Frontend that asks "here" for 2 idle glideins
    When another identity advertises the same ad <how>
    Then the Factory refuses what the other one sent, for who sent it
    And the request of the Frontend <stays>

    Examples:
      | how                 | stays                       |
      | under another name  | is served all the same      |
      | in its place        | is served when repeated     |

  Scenario: A Factory that stops leaves nothing behind
    Given a collector of Debian sid
    And a Factory that advertises the entry "here"
    And another Factory in the same collector
    And a Frontend that asks "here" for 2 idle glideins
    When the Factory answers the Frontend, and stops
    Then no ad of the Factory is left
    And those of the other Factory, and of the Frontend, are

  Scenario: A Frontend that withdraws leaves nothing behind
    Given a collector of Debian sid
    And a Factory that advertises the entry "here"
    And a Frontend that asks "here" for 2 idle glideins
    When the Frontend withdraws
    Then the Factory sees no request

  Scenario: A Frontend that still has the key of yesterday is served for a while
    Given a collector of Debian sid
    And a Factory that advertises the entry "here"
    And a Frontend that asks "here" for 2 idle glideins
    When the Factory is started again with a new key
    Then the Factory sees a request for 2 idle glideins, 5 at most
    And after the time of grace it refuses the request, for its key
    And the Frontend is understood when it asks again

  Scenario: While no collector answers, the last view stays and says so
    Given a collector of Debian sid
    And a Factory that advertises the entry "here"
    And a Frontend that asks "here" for 2 idle glideins
    When the collector stops answering
    Then the view says so within seconds, and still has the request

  Scenario: An operator asks like a Frontend, looks, and withdraws
    Given a collector of Debian sid
    And a Factory whose configuration knows the Frontend
    When an operator asks "here" for 1 idle glidein
    Then the Factory sees a request for 1 idle glideins, 2 at most
    And a glidein can work with the areas that came with it
    And the operator is shown what the Factory answered
    And nothing of it is left when the operator withdraws it

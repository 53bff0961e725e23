@condor
Feature: What a Frontend asks for it gets, it counts, and it loses when it wants
  A Frontend sees only numbers in ads. They must be what is really in the queue: from them it
  computes what to ask for next. No limit is passed over, no glidein is removed that nobody gave
  up, and whatever the factory cannot see it does not act on.

  One factory serves all of these; its glideins only sleep.

  Scenario: What the factory tells is what there is
    When the group "vo.one" asks "mixed" for 4 idle glideins, 4 at most, and 2 of them run
    And the group "vo.two" asks "mixed" for 2 idle glideins, 2 at most, and 2 of them run
    And a person holds one of those of "vo.one" that run
    Then "vo.one" has 2 idle, 2 running and 1 held glideins at "mixed", and is told so
    And "vo.two" has 0 idle, 2 running and 0 held glideins at "mixed", and is told so
    And each is told of 2 idle, 4 running and 1 held glideins at "mixed" in all

  @slow
  Scenario: Removal goes as far as the Frontend says
    Given the Frontend has 2 running, 2 submitted and 2 waiting glideins at "ce"
    When it gives up all of them at "ce", removing NO
    Then it keeps 2 running, 2 submitted and 2 waiting glideins at "ce"
    When it gives up all of them at "ce", removing IDLE but for a margin of 3
    Then it keeps 2 running, 2 submitted and 1 waiting glideins at "ce"
    When it gives up all of them at "ce", removing WAIT
    Then it keeps 2 running, 2 submitted and 0 waiting glideins at "ce"
    When it gives up all of them at "ce", removing IDLE
    Then it keeps 2 running, 0 submitted and 0 waiting glideins at "ce"
    When a person holds one of them at "ce"
    And it gives up all of them at "ce", removing ALL
    Then it keeps 0 running, 0 submitted and 0 waiting glideins at "ce"
    And nothing of "ce" is left at the site

  Scenario Outline: A limit binds, and the Frontend is told which
    When the Frontend asks "<entry>" for 9 idle glideins, 99 at most
    Then the Frontend has 3 glideins at "<entry>", for "<rule>"
    And it is told that <attribute> is reached: "count=3, limit=3"

    Examples:
      | entry          | rule           | attribute                 |
      | entry-idle     | entry idle     | IdleGlideinsPerEntry      |
      | entry-glideins | entry glideins | TotalGlideinsPerEntry     |
      | each-idle      | share idle     | IdlePerClass_vo:frontend  |
      | each-glideins  | share glideins | TotalPerClass_vo:frontend |

  Scenario: The limit of one class is not that of another
    When the class "frontend" asks "one-class" for 9 idle glideins
    And the class "production" asks "one-class" for 5 idle glideins
    Then the class "frontend" has 3 glideins at "one-class", and "production" has 5

  Scenario: Held glideins count against their own limit
    Given the Frontend has 2 glideins at "held"
    When a person holds one of them at "held"
    And the Frontend asks "held" for 9 idle glideins, 99 at most
    Then the Frontend has 2 glideins at "held", for "entry held"
    And it is told that HeldGlideinsPerEntry is reached: "count=1, limit=1"

  Scenario: A downtime of one class concerns nobody else, and nothing that is there
    Given the Frontend has 2 glideins at "down"
    And the class "frontend" is in a downtime at "down", for "new certificates"
    When the class "frontend" asks "down" for 9 idle glideins
    And the class "production" asks "down" for 5 idle glideins
    Then the class "frontend" has 2 glideins at "down", and "production" has 5
    And the class "frontend" alone is told that "down" is down

  Scenario: Somebody else replays what a Frontend said
    Given the ads by which the Frontend asked "replay" for nothing were captured
    When somebody else advertises them, asking for 5 idle glideins
    Then the factory refuses them, for "sent by 'thief@pool', but made by 'vo@pool'"
    And the Frontend has 0 glideins at "replay"
    When the Frontend itself advertises them, asking for 5 idle glideins
    Then the Frontend has 5 glideins at "replay"

  Scenario: An entry that is given another schedd goes there when its glideins are gone
    Given the Frontend has 2 glideins at "moved"
    When the operator gives "moved" another schedd
    And the Frontend asks "moved" for 4 idle glideins, 4 at most
    Then the Frontend has 2 glideins at "moved", for "moving"
    When it gives up all of them at "moved", removing IDLE
    Then the Frontend has 0 glideins at "moved"
    When the Frontend asks "moved" for 4 idle glideins, 4 at most
    Then the Frontend has 4 glideins of "moved" in the other schedd

  @slow
  Scenario Outline: The schedd is lost and comes back
    Given the Frontend has 2 glideins at "<entry>"
    When the schedd <is lost>
    And the Frontend asks "<entry>" for 4 idle glideins, 4 at most
    Then the factory says that it does not know the queue of "<entry>"
    When the schedd is back
    Then the Frontend has 4 glideins at "<entry>"

    Examples:
      | entry   | is lost    |
      | stopped | is stopped |
      | hung    | hangs      |

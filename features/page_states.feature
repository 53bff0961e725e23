Feature: The page never shows old or missing numbers as if they were true
  What it does not know it says, and how old it is.

  Background:
    Given a factory at night, with entries that work, wait, fail and rest

  Scenario: Old numbers are marked as old
    When somebody opens the page
    Then nothing says that the numbers are old
    When the monitor has written nothing for 20 minutes
    Then the page says that its numbers are 20 min old
    When the monitor writes again
    Then nothing says that the numbers are old
    And the browser has nothing to complain about

  Scenario: Of entries that have told nothing nothing is said
    Given entries "new_one" and "new_two", whose daemons only just began
    When somebody opens the page
    Then nothing is said of how many run at "new_one"
    When somebody follows the link to "new_one"
    Then they read that nothing was decided yet, and that there is no history
    And the browser has nothing to complain about

  Scenario: An entry is taken away and comes back while somebody looks
    When somebody opens the page
    And follows the link to "UCSD_idle"
    And the operator takes "UCSD_idle" away
    Then they read that there is no such entry
    When the operator brings "UCSD_idle" back
    Then they read the words of its decision again

  Scenario: What Frontends ask is not known while the collector is away
    When somebody opens the page
    And nobody has seen a request for 20 minutes
    Then what "cms" asks for is not known, but what it has is

  Scenario: The numbers come back after a fault of the web server
    When somebody opens the page while the web server has no numbers
    Then they read that nothing could be read
    When the monitor writes again
    Then "Wisconsin_main" shows 30 running, 5 idle and 60 asked for

Feature: The page tells an operator what is wrong, and why
  Static files that the factory writes and any web server serves. A real browser looks at them.

  Background:
    Given a factory at night, with entries that work, wait, fail and rest

  Scenario: What is wrong stands at the top
    When somebody opens the page
    Then it says first that the daemon of "Nowhere_broken" was left down
    And the first rows are "Nowhere_broken" and "CERN_held"
    And nothing is said of how many run at "Nowhere_broken"
    And "Wisconsin_main" shows 30 running, 5 idle and 60 asked for
    And the browser has nothing to complain about

  Scenario: Entries are sorted and searched with the keyboard alone
    When somebody opens the page
    And types "/" and then "cern atlas"
    Then only the entries "CERN_held" are shown
    When they press Escape, and Enter on the head of "Running"
    Then the first row is "Wisconsin_main", and the head says "descending"
    When they go on with Tab from there to an entry and press Enter
    Then the page of that entry opens
    And the browser has nothing to complain about

  Scenario: An entry says why, and how its glideins ended
    When somebody opens the page
    And follows the link to "Wisconsin_main"
    Then they read the words of its last decision, as why has them
    And which limit binds the request of "cms.main"
    And that most failures came from "node-13"
    And the history of 8 hours is drawn, and that of 9 days when they ask for it
    And the phases of the last glideins are bars
    And the log of a glidein that failed can be read
    And the browser has nothing to complain about

  Scenario: A Frontend has its own page
    When somebody opens the page
    And follows the links to the Frontends and to "cms"
    Then they see what it asks of each entry, and that a credential ends in 4 h 59 min
    And the browser has nothing to complain about

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

  Scenario: Old numbers are marked as old
    When somebody opens the page
    Then nothing says that the numbers are old
    When the monitor has written nothing for 20 minutes
    Then the page says that its numbers are 20 min old
    When the monitor writes again
    Then nothing says that the numbers are old
    And the browser has nothing to complain about

  Scenario: What others wrote is text and nothing else
    Given an entry whose Frontend, hold reason, node, cause and log are HTML and scripts
    When somebody opens the page
    And follows the link to "hostile"
    And reads the log of its last glidein
    Then all of it stands there as it was written
    And no element or script came of it
    And the browser has nothing to complain about

  Scenario Outline: It fits <where>
    When somebody opens the page on <where>
    Then nothing is wider than the screen
    And text stands out from what is behind it
    And pictures of all pages are kept as "<name>"
    And the browser has nothing to complain about

    Examples:
      | where                | name  |
      | a screen             | light |
      | a screen in the dark | dark  |
      | a telephone          | phone |

  Scenario: A thousand entries
    Given 1,000 entries
    When somebody opens the page
    Then the first rows are painted within a second
    And no key of a search keeps the browser busy for long
    And the browser has nothing to complain about

  Scenario: The numbers are those of the schedd's queue
    Given a real factory whose entry "north" was asked for 4 glideins, one of which is held
    When somebody opens the real factory's page
    Then its row, its metrics and why say what condor_q says
    When the daemon that writes the page is killed
    Then the page is written on, and the entry has noticed nothing
    And the browser has nothing to complain about

  Scenario Outline: <server> serves it, and no cache shows old numbers
    Given <server> serves a page, with a Squid in front of it
    When a number changes between two looks through the Squid
    Then the second look shows the new number
    And the metrics come with the type that Prometheus wants
    And caches keep nothing of an entry that is called like a hash

    Examples:
      | server      |
      | nginx       |
      | Apache      |
      | the factory |

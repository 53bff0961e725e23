Feature: The page can be read by everybody, whatever is in it
  On a telephone, in the dark, with a thousand entries, and with what strangers wrote.

  Background:
    Given a factory at night, with entries that work, wait, fail and rest

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

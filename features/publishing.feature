Feature: What glideins fetch is published whole, signed, and only once
  A glidein in a queue was told what to fetch, and may start weeks from now. What it was told
  must be there then, byte for byte, whatever operators did in between.

  Background:
    Given a factory with the entries north and south

  Scenario Outline: Everybody can check what is published, with the tools of any Linux
    Given the factory signs with <hash>
    When the operator publishes
    Then <tool> finds every file of every area as it was signed
    And every entry knows how to start its glideins

    Examples:
      | hash   | tool      |
      | sha256 | sha256sum |
      | sha1   | sha1sum   |

  Scenario: Publishing again changes nothing
    Given the operator has published
    When the operator publishes
    Then not one file was touched

  Scenario: A change to one entry is a change to that entry
    Given the operator has published
    And the site of north is now "Elsewhere"
    When the operator publishes
    Then only files of north were touched

  Scenario: The plan tells what would change
    Given the operator has published
    And the site of north is now "Elsewhere"
    When the operator asks for the plan
    Then the plan names north and the site "Elsewhere"
    And not one file was touched

  Scenario: All mistakes are reported at once, and nothing is published
    Given the configuration has a misspelt key, a bad number and a missing file
    When the operator publishes
    Then the operator is told file and line of 3 mistakes
    And the operator is told how the key is spelt
    And nothing is published

  Scenario Outline: Publishing is killed
    Given the operator has published
    And the site of north is now "Elsewhere"
    When publishing is killed before its <n>th change on disk
    Then what glideins were told is still there
    And publishing again makes up for what was missed

    Examples:
      | n  |
      | 2  |
      | 9  |
      | 14 |
      | 20 |

  Scenario: Two operators publish at once
    Given another operator is publishing
    When the operator publishes
    Then the operator is told that another one is at work

  Scenario: A published file was damaged
    Given the operator has published
    And a published file was cut short
    When the operator publishes
    Then the operator is told which file is not what its name says
    And the damaged file is as it was

  Scenario: What a queued glidein may need stays for the days configured
    Given the operator has published
    And the site of north is now "Elsewhere"
    And the operator has published
    When the operator publishes 9 days later
    Then what glideins were told before is still there

  Scenario: What nobody can need any more goes
    Given the operator has published
    And the site of north is now "Elsewhere"
    And the operator has published
    When the operator publishes 11 days later
    Then what only older glideins of north were told is gone
    And what glideins are told now is there

  Scenario: A glidein that waits longer than that keeps what it was told
    Given the operator has published
    And a glidein of north is in the queue
    And the site of north is now "Elsewhere"
    And the operator has published
    When the operator publishes 99 days later
    Then what glideins were told before is still there

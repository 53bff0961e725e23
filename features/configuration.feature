Feature: What entries have in common is said once
  Most of what hundreds of entries say is the same. It stands in templates, an entry says what is
  its own, and an override says what holds for now; what counts is never in doubt.

  Background:
    Given a factory with the entries north and south

  Scenario Outline: The nearest word counts
    Given a template of north says that its site is "Template"
    And <who> says that the site of north is "<site>"
    When the operator publishes
    Then north offers itself to Frontends as site "<site>"
    And south offers itself to Frontends as site "Example"

    Examples:
      | who        | site   |
      | the entry  | North  |
      | a template | Shared |
      | an override | Moved |

  Scenario: An override is taken back
    Given an override says that the site of north is "Moved"
    And the operator has published
    When the operator takes the override back and publishes
    Then north offers itself to Frontends as site "Example"

  Scenario: A mistake in a template is reported once, where it is
    Given a template of north and south has a misspelt key
    When the operator publishes
    Then the operator is told one mistake, with file and line of the template
    And nothing is published

  Scenario: Entries come and go while the factory runs
    Given the operator has published
    When the operator removes south, adds west and publishes
    Then the factory knows north and west
    And the record of south is kept aside

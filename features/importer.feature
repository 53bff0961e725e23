Feature: A factory of the reference moves over in an afternoon
  Hundreds of entries have been described for years, in XML that says most things many times. They
  go on as they are, and whoever moves them is told of everything that does not come along.

  Scenario: Real entries move over
    Given the XML of a factory with 138 entries
    When the operator imports it
    Then every entry means what it meant
    And the operator has less than a fifth to read
    And the operator is told the file and line of all that has no counterpart
    And the factory would publish every entry that was enabled

  Scenario: The operator publishes what was imported
    Given the XML of a factory with 138 entries
    And the operator has imported it
    When the operator publishes it
    Then entry DUNE_UK_SGridDurham_ce3 offers itself to Frontends with
      | attribute            | value                |
      | GLIDEIN_ResourceName | UKI-SCOTGRID-DURHAM  |
      | GLIDEIN_Country      | UK                   |
    And publishing once more changes nothing

  Scenario: Downtimes come along
    Given the XML of a whole factory, its downtimes, and those of OSG topology
    When the operator imports it
    Then Example_T2 is down on 2027-01-06, because of "OSG 1005710: Power: one rack"
    And Example_T2 is up on 2027-01-20
    And the whole factory is down on 2027-01-01

  Scenario Outline: What could harm is refused
    Given XML with <something>
    When the operator imports it
    Then the operator is told "<reason>", with file and line
    And nothing was written

    Examples:
      | something             | reason               |
      | an entity bomb        | a document type      |
      | an external entity    | a document type      |
      | an end before its end | no element found     |
      | a misspelt element    | <atrs>               |

  Scenario: The commands for moving
    Given the XML of a whole factory, its downtimes, and those of OSG topology
    When the operator types what README.md says of moving
    Then each command succeeds

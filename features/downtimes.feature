Feature: An operator says what is out of service, and until when
  Nothing is sent to a site in its downtime. So what an operator says must not get lost, must end
  when it was meant to end, and must never be taken for its opposite.

  Background:
    Given a factory with the entries north and south
    And the operator has published

  Scenario Outline: What is down, and what is not
    When the operator takes <what> out of service
    Then north is <north>
    And south is <south>

    Examples:
      | what        | north | south |
      | north       | down  | up    |
      | all entries | down  | down  |
      | the factory | down  | down  |

  Scenario: Back in service
    Given the operator took north out of service
    When the operator takes north back into service
    Then north is up
    And the downtime can still be seen

  Scenario: A downtime ends by itself
    When the operator takes north out of service for 2 hours
    Then north is down
    And 3 hours later north is up

  Scenario: A line that cannot be read is no permission
    When somebody writes a downtime of north that has no time zone
    Then north is down
    And south is up
    And the operator is told which line cannot be read

  Scenario: Only what the factory knows can be down
    When the operator takes nort out of service
    Then the operator is asked whether north is meant

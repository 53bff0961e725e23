Feature: Any web server serves the page, and no cache shows old numbers
  Files alone, with the configurations of nginx and Apache that come with the factory.

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

  Scenario Outline: A browser has nothing to complain about what <server> serves
    Given a factory at night, with entries that work, wait, fail and rest
    And <server> serves what its monitor wrote
    When somebody looks at all its pages there
    Then the browser has nothing to complain about

    Examples:
      | server              |
      | nginx               |
      | Apache              |
      | Python's own server |

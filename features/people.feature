Feature: A person on a worker node runs the glidein by hand
  Glideins fail on nodes that nobody knows. The same file that the batch system carries tells a
  person why, without a factory.

  Scenario: Help and version need nothing
    When a person asks the glidein for help and for its version
    Then both are told, and the help names every option

  Scenario: The node checks need no factory
    When a person lets the glidein check the node
    Then a table of checks is shown

  Scenario: A rehearsal stops before the launch
    Given a published factory
    When a person rehearses a glidein
    Then every phase up to the launch is told with its duration
    And HTCondor was never started

  Scenario: The work directory can be kept
    Given a published factory
    When a person rehearses a glidein and keeps its folder
    Then the folder is there, private, with a readable configuration of HTCondor

  Scenario: The report alone, for programs
    Given a published factory
    When a person rehearses a glidein and asks for JSON
    Then standard output is the report and nothing else

  Scenario: A shell in the prepared environment
    Given a published factory
    When a person asks for a shell and types a command of HTCondor
    Then the command has found the glidein's configuration
    And nothing of the glidein remains

  Scenario Outline: Wrong usage is named
    When a person starts a glidein with <mistake>
    Then it ends with code 2 and names <thing>

    Examples:
      | mistake                  | thing           |
      | an unknown option        | -nonsense       |
      | an option without value  | -web            |
      | no entry                 | -entry          |
      | a hash that is too short | -sign           |
      | a hash of another type   | -sign           |
      | a word in the wrong place| stray           |
      | a parameter of no name   | -param_1X       |
      | half a Frontend          | -clientsign     |

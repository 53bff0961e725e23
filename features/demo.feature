@condor
Feature: A newcomer watches glideins run jobs with one command
  Whoever tries the toolkit for the first time sees real jobs run in real glideins, and finds the
  machine afterwards as it was before.

  Scenario Outline: The demo runs to its end
    When <who> runs the demo <how>
    Then four jobs ran in two glideins
    And where the logs are is told, and they are there
    And nothing of the demo runs any more

    Examples:
      | who              | how                          |
      | root             | as it is                     |
      | an ordinary user | as it is                     |
      | root             | with nginx and through Squid |

  Scenario: Ctrl-C stops everything
    When root interrupts the demo while its glideins run
    Then nothing of the demo runs any more

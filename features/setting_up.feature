@condor
Feature: Somebody new has a factory at work within an hour
  What the documentation says is what works: every command of it is typed here as it stands, by an
  ordinary user, on a machine where nothing was set up before.

  Scenario: The first hour, to the letter
    Given a machine on which nothing is set up
    When somebody types every command of the guide
    Then a job of theirs ran in a glidein at "Here"
    And nothing of it runs any more

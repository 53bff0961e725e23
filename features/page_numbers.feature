Feature: The numbers of the page are those of the queue
  Page, metrics and why say what condor_q says.

  Scenario: The numbers are those of the schedd's queue
    Given a real factory that was asked for 4 glideins at north, one of them held, 2 at south
    When somebody opens the real factory's page
    Then page, metrics and why say of entries, Frontend and factory what condor_q says
    When the daemon that writes the page is killed
    Then the page is written on, and the entry has noticed nothing
    And the browser has nothing to complain about

@condor
Feature: The stop list ends glideins before they cost anything, and while they run
  When an entry must be emptied, the glideins in its queue should go without bringing HTCondor first, and the
  ones that run should go as the operator says: after their jobs, or now. Who looks later reads why.

  Scenario: A queued glidein leaves before anything large is brought
    Given a factory whose operator stops the entry, because of "a broken switch"
    When a glidein starts there
    Then it ends with code 3
    And it asked for descriptions, signatures and the stop list, and for nothing else
    And its report says how it was stopped: "retire", because of "a broken switch", at its "start"
    And nothing of it remains on the node

  Scenario: The operator wants jobs to finish, and then no longer
    Given a pool with a job that takes long
    And a glidein that runs it and looks at the stop list every second
    When the operator puts the entry on the list
    Then the glidein stays for its job
    When the operator adds "now" because of "fire"
    Then it ends within 60 seconds with code 3
    And its report says how it was stopped: "now", because of "fire", at its "run"
    And nothing of it remains on the node

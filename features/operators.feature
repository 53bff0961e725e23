@condor
Feature: Operators see, ask why, and act
  At three in the morning one command tells what is wrong, and one mends it. Nothing is done on a
  guess, and what a person does by hand the daemons count like anything else.

  Scenario: Why is nothing more submitted?
    Given an operator's factory with the entry "north" that may have 2 idle glideins
    When a Frontend there asks for 5 idle glideins
    Then "why north" says that "entry idle" binds, with the limit 2
    And "status" shows the Frontend, what it asks for, and its credential

  Scenario: Glideins fail, and one command says why, with one to look at
    Given an operator's factory with the entry "north" whose nodes have no room
    When a Frontend there asks for 2 idle glideins
    Then "why north" counts failures of "check: this node failed a check", with a sample
    And the command that "why north" names shows the report of that sample
    And "analyze" counts them for the entry, the Frontend and the node

  Scenario: Hold, release and remove
    Given an operator's factory with the entry "north"
    And a Frontend there has 2 idle glideins
    When the operator holds one of them
    Then "queue north" shows it as held, with the operator's words, and the factory leaves it there
    And "why" tells its life
    When the operator releases it
    Then "queue north" shows 2 idle glideins or more, and none held
    When the operator removes it
    Then it is gone, and the Frontend gets another

  Scenario: Nothing is done on a view that failed
    Given an operator's factory with the entry "north"
    And a Frontend there has 2 idle glideins
    When the schedd stops answering
    Then "rm --entry north --yes" fails and says that the schedd did not answer
    And "check pool" names the schedd and what mends it

  Scenario: A glidein by hand is counted
    Given an operator's factory with the entry "north"
    And the operator takes the entry "north" down
    And a Frontend there asks for 2 idle glideins, in vain
    When the operator submits one glidein of "north" by hand
    Then 1 glidein of "north" waits, and no other while it is down
    When the operator takes the entry "north" up
    Then 2 glideins of "north" wait, the one by hand among them

  Scenario: The emergency stop
    Given an operator's factory with the entry "north" that runs glideins here
    And one glidein of "north" runs and one is queued
    Then "why" finds the one that runs by the name that its pool has for it
    When the operator puts the entry "north" on the stop list
    Then both leave, and "stop-list" counts those that obeyed
    And "why" finds the one that ran by the name that its pool had for it
    And no other glidein of "north" comes

  Scenario: The web server serves what was published before
    Given an operator's factory with the entry "north" whose web server serves a copy
    Then "check web" finds nothing wrong
    When the operator publishes something new
    Then "check web" says that the web server does not serve it

  Scenario: A token that is over
    Given an operator's factory with the entry "north"
    When a Frontend there asks with a token that expired an hour ago
    Then "check secrets" and "why north" say that it expired

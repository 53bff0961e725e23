Feature: An entry does what is asked of it, within every bound, and says why
  Whoever asks "why is nothing running?" finds the answer in what the entry decided: what was
  asked, what was seen and how fresh that was, and which bound left no room. What is not known
  is never taken for nothing.

  Scenario: A Frontend gets the idle glideins it asks for
    Given the Frontend cms has 3 idle and 4 running glideins at the entry
    When cms asks for 10 idle glideins, 50 at most
    Then the entry submits 7 glideins for cms
    And it says "asked for 10 idle: 3 before, 7 more now"

  Scenario Outline: No request can lift a bound
    Given the entry has a bound of 5 <bound>
    When cms asks for 1000 idle glideins, 9000 at most
    Then the entry submits 5 glideins for cms
    And it names the bound "<rule>"

    Examples:
      | bound                           | rule           |
      | idle glideins                   | entry idle     |
      | glideins                        | entry glideins |
      | idle glideins of one Frontend   | share idle     |
      | glideins of one Frontend        | share glideins |
      | glideins submitted in one cycle | cycle          |
      | glideins not yet seen           | unseen         |
      | more glideins in the factory    | factory        |

  Scenario: Frontends that meet a common bound take turns
    Given the entry has a bound of 5 glideins submitted in one cycle
    When cms and osg each ask for 100 idle glideins for 4 cycles
    Then each of them got 10 glideins

  Scenario Outline: What cannot be seen is not taken for nothing
    Given the Frontend osg has 3 idle and 4 running glideins at the entry
    And <what> cannot be seen
    When cms asks for glideins and osg wants all of its own removed
    Then the entry submits and removes nothing
    And it says "<why>"

    Examples:
      | what         | why                           |
      | the queue    | the schedd does not answer    |
      | the requests | the collector does not answer |

  Scenario: A Frontend in downtime does not take others with it
    Given the Frontend cms is in downtime for "new certificates"
    When cms and osg each ask for 10 idle glideins
    Then the entry submits 10 glideins for osg
    And it submits nothing for cms and says "new certificates"

  Scenario Outline: Glideins beyond what is asked for go as the Frontend wants
    Given the Frontend cms has 2 waiting, 2 pending and 2 running glideins at the entry
    When cms asks for none and for the removal of <whom>
    Then in the course of time <those> are removed

    Examples:
      | whom                    | those                            |
      | nobody                  | none                             |
      | those not yet sent      | 2 waiting                        |
      | those not yet running   | 2 waiting, 2 pending             |
      | all                     | 2 waiting, 2 pending, 2 running  |

  Scenario: An entry where glideins fail is left alone for a while, and tried again
    Given cms asks for 10 idle glideins, 50 at most
    When 5 glideins of cms fail at the entry, on nodes without disk
    Then the entry submits nothing for cms and says "failed a check"
    And after the pause it submits 3 glideins for cms
    And when one of these is of use it submits 10 glideins for cms

  Scenario: A person opens it by hand
    Given cms asks for 10 idle glideins, 50 at most
    And 5 glideins of cms fail at the entry, on nodes without disk
    When a person opens the entry
    Then the entry submits 10 glideins for cms

  Scenario: A glidein of which no output comes has failed
    When a glidein of cms ends and writes nothing
    Then its output is waited for
    And after an hour it counts as failed, because "no output came"

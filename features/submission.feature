@condor
Feature: A glidein arrives at a batch system as the factory sent it, and goes when it is to go
  Between the factory and a worker node there are two or three programs that split at blanks, replace
  dollar signs and forget files. Whatever a Frontend asks for, a glidein is told exactly that.

  @slow
  Scenario Outline: Through a batch system and back
    Given an entry that submits to <batch system>
    And its glideins tell what they were given
    When a request full of hostile strings is served
    Then each glidein was told every word of it, and nothing else
    And each glidein was given the credentials
    And the factory followed each glidein from its queue to its end

    Examples:
      | batch system          |
      | an HTCondor-CE        |
      | Slurm                 |
      | the schedd's machine  |
      | the schedd's own pool |

  @slow
  Scenario Outline: A glidein that is removed is gone at the site as well
    Given an entry that submits to <batch system>
    And a glidein of it that <does what> there
    When the factory removes it
    Then it is gone at the site
    And the factory knows that it was removed

    Examples:
      | batch system   | does what |
      | Slurm          | waits     |
      | an HTCondor-CE | runs      |

  Scenario: A schedd that is lost and comes back
    Given an entry that submits to a pool without slots
    And two glideins of it wait there
    When the schedd is stopped
    Then the factory says that the queue is not known, and why
    And it still counts two glideins
    And what it would submit fails for certain
    When the schedd is started again
    Then the factory knows the queue again
    And it submits again

@condor
Feature: A glidein arrives at a batch system as the factory sent it
  Between the factory and a worker node there are two or three programs that split at blanks, replace
  dollar signs and forget files. Whatever a Frontend asks for, a glidein is told exactly that.

  Background:
    Given glideins that tell what they were given

  @slow
  Scenario Outline: Through a batch system and back
    Given an entry that submits to <batch system>
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

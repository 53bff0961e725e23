Feature: What one glidein fetched, the next one on the node need not fetch again
  Thousands of glideins of one user run on the same nodes. What they share lies in a folder that
  others might have prepared, and every object in it is checked again before it is used.

  Background:
    Given a glidein that kept an object in the node's cache

  Scenario: The next glidein finds it
    When the next glidein looks for the object
    Then it gets the object, as it was published

  Scenario Outline: The object is no longer what it was
    Given the object in the cache <damage>
    When the next glidein looks for the object
    Then it gets nothing
    And the object is <fate>

    Examples:
      | damage                 | fate              |
      | was changed            | no longer there   |
      | was cut                | no longer there   |
      | was emptied            | no longer there   |
      | is a link to another file | left alone     |
      | was removed            | no longer there   |

  Scenario Outline: A folder that is not safe
    Given the cache's folder <state>
    When the next glidein looks for the object
    Then it gets nothing
    And it says that there is no cache
    And it has not touched what is there

    Examples:
      | state                        |
      | is a link to another folder  |
      | is a file                    |
      | leads through a missing folder |

  @needs_root
  Scenario: A folder of somebody else
    Given the cache's folder belongs to somebody else
    When the next glidein looks for the object
    Then it gets nothing
    And it says that there is no cache

  Scenario: A folder that others may write to
    Given the cache's folder is open to all
    When the next glidein looks for the object
    Then it gets the object, as it was published
    And the cache's folder is open to its owner only

  Scenario: Many glideins at the same time
    When 12 glideins keep, look for and trim objects at the same time
    Then each of them got only right objects
    And nothing half-made is in the cache

  Scenario: The cache does not grow without limit
    Given 6 objects of 1 MB in the cache, the second of them used last
    When a glidein trims the cache to 3 MB
    Then the objects left are the second, the sixth and the fifth

  Scenario: A glidein that trims the cache already
    Given 6 objects of 1 MB in the cache, the second of them used last
    And a glidein that is trimming the cache right now
    When a glidein trims the cache to 3 MB
    Then all objects are left

  Scenario: A glidein that died while it trimmed the cache
    Given 6 objects of 1 MB in the cache, the second of them used last
    And a glidein that died while it trimmed the cache
    When a glidein trims the cache to 3 MB
    Then the objects left are the second, the sixth and the fifth

  Scenario: Switched off
    Given a node whose users want no cache
    When the next glidein looks for the object
    Then it gets nothing

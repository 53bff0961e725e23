Feature: Any web server and any cache bring areas to worker nodes unharmed
  Areas are static files, so that every web server can serve them and every site's cache can
  keep them. What a name with a hash stands for never changes, and is asked for once per site;
  the list of what is stopped is asked for anew each time.

  Background:
    Given a published area

  Scenario Outline: What arrives is what was signed
    Given <server> serves the area
    When somebody fetches all that the area lists
    Then every file is as it was signed

    Examples:
      | server      |
      | nginx       |
      | Apache      |
      | the factory |

  Scenario Outline: Caches are told what they may keep
    Given <server> serves the area
    Then every file with a hash in its name may be kept for ever
    And the stop list must be asked for anew
    And nothing may be kept of a file that is missing
    And no file is ever taken for what it is not

    Examples:
      | server      |
      | nginx       |
      | Apache      |
      | the factory |

  Scenario Outline: Nothing but the area is served
    Given <server> serves the area
    And the stage folder also holds <something>
    When somebody asks for the file <path>
    Then it is refused

    Examples:
      | server      | something              | path               |
      | nginx       | a link to a secret     | /link.txt          |
      | nginx       | a link to a folder     | /folder/secret     |
      | nginx       | a half-written file    | /.part-object      |
      | nginx       | nothing else           | /                  |
      | nginx       | nothing else           | /entry_north/      |
      | nginx       | nothing else           | /%2e%2e/secret     |
      | Apache      | a link to a secret     | /link.txt          |
      | Apache      | a link to a folder     | /folder/secret     |
      | Apache      | a half-written file    | /.part-object      |
      | Apache      | nothing else           | /                  |
      | Apache      | nothing else           | /entry_north/      |
      | Apache      | nothing else           | /%2e%2e/secret     |
      | the factory | a link to a secret     | /link.txt          |
      | the factory | a link to a folder     | /folder/secret     |
      | the factory | a half-written file    | /.part-object      |
      | the factory | nothing else           | /                  |
      | the factory | nothing else           | /entry_north/      |
      | the factory | nothing else           | /%2e%2e/secret     |

  Scenario Outline: Nobody can send anything
    Given <server> serves the area
    When somebody sends a file to the stop list
    Then it is refused
    And the stop list is as it was

    Examples:
      | server      |
      | nginx       |
      | Apache      |
      | the factory |

  Scenario Outline: A download that broke off is taken up again
    Given <server> serves the area
    When somebody asks for the rest of the tarball
    Then only the rest arrives

    Examples:
      | server      |
      | nginx       |
      | Apache      |
      | the factory |

  Scenario: A site's cache asks once for what never changes, however large
    Given the area has a tarball of 40 MB
    And nginx serves the area
    And a Squid in front of it
    When two worker nodes fetch all that the area lists, and the stop list
    Then every file is as it was signed
    And the web server was asked once for every signed file
    And the second worker node got every signed file from the cache

  Scenario: A worker node that wants a part makes the cache bring the whole
    Given the area has a tarball of 40 MB
    And nginx serves the area
    And a Squid in front of it
    When somebody asks for the rest of the tarball
    And two worker nodes fetch all that the area lists, and the stop list
    Then the web server was asked once for every signed file

  Scenario: A site's cache learns at once that something is stopped
    Given nginx serves the area
    And a Squid in front of it
    And a worker node has fetched the stop list
    When the operator stops the entry north
    Then the next worker node sees that north is stopped

  Scenario: A site's cache is for glideins only
    Given nginx serves the area
    And a Squid in front of it
    When somebody asks the cache for another web server
    Then it is refused

Feature: A glidein gets the files that were published, or none
  Files reach a worker node through networks and web caches that nobody here controls. Whatever
  these do, a file is on the node whole and right, or it is not there and the log says why.
  Each scenario holds on a node with curl, with an older curl, and with wget.

  Background:
    Given a web server that publishes files

  Scenario: What was published arrives
    When a glidein fetches all files
    Then it has all files, as they were published
    And each was asked for once

  Scenario Outline: A web server that has its ways
    Given the web server <way>
    When a glidein fetches a file
    Then it has the file, as it was published

    Examples:
      | way                         |
      | sends chunks                |
      | is slow                     |
      | redirects to another server |

  Scenario Outline: Trouble that passes
    Given the web server <fault> when first asked
    When a glidein fetches a file
    Then it has the file, as it was published
    And it was asked for 2 times

    Examples:
      | fault         |
      | answers 500   |
      | answers 503   |
      | answers 429   |
      | answers 408   |
      | closes        |
      | truncates     |
      | stalls        |
      | is silent     |
      | sends nothing |

  Scenario Outline: Trouble that stays
    Given the web server <fault>
    When a glidein fetches a file
    Then it gives up, saying the file <outcome> and blaming "<reason>"
    And it keeps nothing of the download
    And it was asked for <number> times

    Examples:
      | fault                   | outcome       | reason                 | number |
      | answers 404             | did not come  | HTTP status 404        | 1      |
      | answers 403             | did not come  | HTTP status 403        | 1      |
      | answers 500             | did not come  | HTTP status 500        | 3      |
      | closes                  | did not come  | not fetched            | 3      |
      | truncates               | did not come  | not fetched            | 3      |
      | answers nonsense        | did not come  | not fetched            | 3      |
      | redirects in a circle   | did not come  | redirect               | 6      |
      | redirects to a file     | did not come  | rotocol                | 1      |
      | sends other bytes       | was not right | wrong hash             | 2      |
      | sends HTML              | was not right | a page of HTML         | 2      |
      | sends nothing           | was not right | wrong hash             | 2      |
      | truncates without length | was not right | wrong hash            | 2      |
      | sends a shorter length  | was not right | wrong hash             | 2      |
      | sends too much          | was not right | more than              | 2      |
      | sends endless data      | was not right | more than              | 2      |
      | sends endless chunks    | was not right | more than              | 2      |
      | announces too much      | was not right | more than              | 2      |

  Scenario: Endless data ends soon
    Given the web server sends endless data
    When a glidein fetches a file
    Then not much more came than was allowed

  Scenario: A file that comes too slowly
    Given the web server drips
    When a glidein fetches a file, with 3 seconds for each request
    Then it gives up, saying the file did not come and blaming "not fetched"
    And it keeps nothing of the download

  Scenario: One bad file among good ones
    Given the web server answers 404 for one of the files
    When a glidein fetches all files
    Then it has all files but that one
    And it names that file as the one that did not come

  Scenario: A file that nobody signed is still no page of HTML
    Given the web server sends HTML
    When a glidein fetches a file whose hash it does not know
    Then it gives up, saying the file was not right and blaming "a page of HTML"
    And it keeps nothing of the download

  Scenario: A file that need not be there
    Given the web server answers 404
    When a glidein fetches a file that need not be there
    Then it goes on without the file
    And it was asked for 1 time

  Scenario: A large file broke off
    Given a large file that truncates when first asked for
    When a glidein fetches the large file
    Then it has the large file, as it was published
    And the second request was for the rest only

  Scenario Outline: A large file broke off, and cannot be gone on with
    Given a large file that truncates when first asked for, and then <fault>
    When a glidein fetches the large file
    Then it has the large file, as it was published

    Examples:
      | fault              |
      | ignores ranges     |
      | resumes elsewhere  |

  Scenario: The web cache does its work
    Given a web cache
    When a glidein fetches all files
    Then it has all files, as they were published
    And the web server was asked by the web cache only

  Scenario: A web cache that is down is asked once
    Given a web cache that is down
    And a web cache
    When a glidein fetches all files, one after the other
    Then it has all files, as they were published
    And the log says once that the first web cache is given up
    And the web server was asked by the web cache only

  Scenario: No web cache works
    Given a web cache that is down
    And a web cache that answers 503
    When a glidein fetches all files
    Then it has all files, as they were published

  Scenario Outline: A web cache spoils a file
    Given a web cache that <fault>
    When a glidein fetches a file
    Then it has the file, as it was published
    And the log says "<reason>" of the web cache
    And the log says that the file was right past the web cache
    And the web cache was asked 2 times, the second time not to answer by itself
    And the web server was asked directly, without a cache in between

    Examples:
      | fault                    | reason          |
      | sends other bytes        | wrong hash      |
      | sends old content        | wrong hash      |
      | sends HTML               | a page of HTML  |
      | sends nothing            | wrong hash      |
      | truncates without length | wrong hash      |
      | sends too much           | more than       |

  Scenario: A web cache that keeps an old file until it is told to ask
    Given a web cache that sends old content unless told to ask
    When a glidein fetches a file
    Then it has the file, as it was published
    And the web server was asked by the web cache only

  Scenario Outline: A web cache that will not give a file
    Given a web cache that <fault>
    When a glidein fetches a file
    Then it has the file, as it was published
    And the web server was asked directly, without a cache in between

    Examples:
      | fault       |
      | answers 404 |
      | answers 403 |
      | answers 407 |
      | answers 500 |
      | truncates   |
      | closes      |
      | is silent   |

  Scenario: The environment names a proxy
    Given an environment whose http_proxy is down
    When a glidein fetches a file
    Then it has the file, as it was published
    And the log says that the environment's proxy is not used

  Scenario: The clock of the web server
    Given the web server's clock is 500 seconds ahead
    When a glidein fetches a file that no cache may answer for
    Then it knows that it is 500 seconds behind

  Scenario: The batch system ends a glidein in the middle of a download
    Given the web server stalls
    When a glidein that fetches a file is ended
    Then none of its processes is left
    And it keeps nothing of the download

  Scenario: A curl that cannot be executed
    Given a node where curl cannot find its libraries
    When a glidein fetches a file
    Then it has the file, as it was published
    And the log says that curl does not work here

  Scenario: Nothing to fetch with
    Given a node that has neither curl nor wget
    When a glidein fetches a file
    Then it gives up, saying it cannot fetch and blaming "neither curl nor wget"

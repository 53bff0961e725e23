Feature: A glidein uses nothing that was not signed, and unpacks nothing that reaches outside
  What the web server holds may have been changed by whoever got there. The hash of a signature
  file comes with the job, by another way; everything else must fit it or is refused, by name and
  with the reason, before anything of it is used.
  Each scenario holds with GNU tar and with busybox's.

  Scenario: Everything is as it was signed
    Given an area of signed files
    When a glidein verifies the area
    Then it accepts all files

  Scenario: An area signed the way of the reference system
    Given an area of signed files, by SHA-1 and without sizes
    When a glidein verifies the area
    Then it accepts all files

  Scenario Outline: A file is not what was signed
    Given an area of signed files
    And one of its files <damage>
    When a glidein verifies the area
    Then it refuses that file, blaming "<reason>"

    Examples:
      | damage               | reason        |
      | was changed          | wrong hash    |
      | was cut              | wrong hash    |
      | was emptied          | wrong hash    |
      | is missing           | not there     |
      | is a link            | a link        |
      | has a lost signature | not signed    |

  Scenario Outline: A signature file that cannot be trusted to say one thing
    Given an area of signed files
    And a signature file that <damage>
    When a glidein verifies the area
    Then it refuses the signature file, blaming "<reason>"

    Examples:
      | damage                            | reason            |
      | has an empty hash                 | not understood    |
      | has a hash that is too short      | not understood    |
      | has one blank instead of two      | not understood    |
      | has a name with a folder          | a bad name        |
      | has a name that goes up           | a bad name        |
      | has a name with a leading dash    | a bad name        |
      | has a name with a leading dot     | a bad name        |
      | has a name with white space       | not understood    |
      | has a name with a tab             | not understood    |
      | has a name with a bell            | a bad name        |
      | has a name with a command         | a bad name        |
      | has a size whose name is a command | a bad name       |
      | signs a file twice                | a second hash     |
      | mixes SHA-1 and SHA-256           | expected sha256   |
      | records a size of no file         | no hash           |
      | records two sizes                 | a second size     |
      | is empty                          | signs nothing     |
      | is a page of HTML                 | not understood    |

  Scenario Outline: An archive that is safe
    Given an archive with <content>
    When a glidein looks into the archive
    Then it accepts the archive

    Examples:
      | content                                    |
      | files and folders                          |
      | a name with blanks                         |
      | a name with an arrow                       |
      | a name that is long                        |
      | a name in another script                   |
      | a link to a file beside it                 |
      | a link up and down again                   |
      | a link to a folder                         |
      | a hard link to a file before it            |
      | names that begin with ./                   |
      | a sparse file's size                       |
      | nothing                                    |

  Scenario Outline: An archive that reaches outside
    Given an archive with <content>
    When a glidein looks into the archive
    Then it refuses the archive, blaming "<reason>"

    Examples:
      | content                                    | reason                 |
      | an absolute name                           | absolute               |
      | a name that goes up                        | leaves its folder      |
      | a name that goes up at the end             | refused                |
      | a name that goes up behind a line break    | refused                |
      | a line break that looks like a member      | refused                |
      | a device                                   | neither file           |
      | a pipe                                     | neither file           |
      | a link to an absolute name                 | outside                |
      | a link that goes up                        | outside                |
      | a link that goes up in the middle          | outside                |
      | a link through a link                      | outside                |
      | a link and a file behind it                | through a link         |
      | a file behind a link that comes later      | through a link         |
      | a link that becomes a file                 | twice                  |
      | a file that becomes a link                 | twice                  |
      | a hard link to an absolute name            | refused                |
      | a hard link that goes up                   | refused                |
      | a hard link to a link                      | refused                |
      | a hard link to nothing                     | refused                |
      | a link whose name has an arrow             | not understood         |
      | more bytes than allowed                    | holds over             |
      | a damaged end                              | damaged                |
      | a page of HTML instead of files            | no tar.gz              |
      | no bytes at all                            | no tar.gz              |

  Scenario: What is accepted unpacks inside
    Given an archive with files and folders
    When a glidein looks into the archive
    Then unpacking it touches nothing outside

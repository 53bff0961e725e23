"""A Glidein Factory: the command ``glidein-factory``, its daemons, and what they share.

Configuration (``config``) becomes the ``worktree`` and the ``stage`` of signed files; daemons
(``daemon``) read requests (``protocol``), look at the ``queue``, decide (``deciding``), write
submit descriptions (``submit``), and count what glideins leave (``outputs``). ``explain`` puts
all of that together for people, ``verbs`` are the command line; ``tarball`` makes the HTCondor
of glideins, ``trial`` tries things on one machine, ``importer`` comes from GlideinWMS.
"""

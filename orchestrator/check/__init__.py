"""Is this host fit to run the factory, and does the world outside see what it should?

Each module looks at one thing and yields findings (:class:`orchestrator.explain.records.Finding`):
what is right, what is wrong, and the command that mends it. A check that cannot be made is a
failure that says so, never a success.

::

    host.py         disk, inodes, descriptors, processes   pool.py     collector and schedds
    web.py          what the web server really serves      secrets.py  keys, tokens, certificates
    caches.py       and what caches make of it             clock.py    this clock against others'
"""

"""What the daemons left in the work tree, put together as answers: how is it, and why is it so?

Everything here reads files and changes none; it asks no daemon, schedd or collector. Each answer
is a record of plain values, as it is printed with ``--json`` (records.py says what is in it);
``why``, ``status``, the page and the metrics all show the same one. Times are epoch seconds,
ages and lengths are seconds, and None is "not known", which is never zero.

``entry.explain(work, NAME)`` and ``factory.explain(work)`` are the two to call::

    records.py      what is in each record      factory.py      the whole, a line for each entry
    entry.py        one entry, its decision     daemons.py      which daemons run
    requests.py     requests with verdicts      refusals.py     requests that are not served
    holds.py        held glideins, grouped      frontends.py    Frontends, from all requests
    failures.py     how glideins ended lately   credentials.py  how long credentials live
    downtimes.py    those of an entry           files.py        reading what daemons write
    glidein.py      the life of one glidein     pool_name.py    found by its name in the pool
    analysis.py     a period in numbers         stopped.py      the stop list, and who obeyed
    findings.py     what keeps it from more     room.py         disks without room
"""

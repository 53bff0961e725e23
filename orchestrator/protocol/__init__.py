"""What Factory and Frontends say to each other through ads in a collector.

``sealed`` and ``keys`` open what was encrypted for us, ``pickles`` reads what 3.11 Frontends
send inside; ``reader`` turns one ad into a request or a refusal, ``credentials`` keeps the files
it brought, ``requests_view`` does so for all entries at once. ``ads`` makes the Factory's own
ads, ``collector`` carries them; ``frontend`` is the other side, for operators and tests.
"""

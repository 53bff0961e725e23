"""Our glideins in a schedd's queue: submitted by journal, seen by event log and by query."""

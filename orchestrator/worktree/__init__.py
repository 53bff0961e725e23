"""The work tree: records of factory and entries, written by a reconfiguration, read by daemons."""

"""The verbs of the command line: each module holds one click command named ``command``."""

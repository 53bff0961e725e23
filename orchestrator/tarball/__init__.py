"""An HTCondor for glideins: one relocatable tarball per CPU architecture."""

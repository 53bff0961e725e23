"""What glideins wrote and left behind: read, counted, kept for a time."""

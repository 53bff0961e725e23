"""The daemons: the Factory daemon starts and watches one process per entry, and one for views."""

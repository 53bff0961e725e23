"""What people watch: history, the JSON files of the page, the metrics. Written, never read back
by whoever decides; a fault here hurts nobody."""

"""The Glidein Factory: publishes signed web areas and turns requests into glideins."""

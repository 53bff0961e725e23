"""Trying things on one machine: a personal pool, a glidein by hand, the demo, a community's scripts."""

"""Measurements, each a program: ``python -m tests.bench.startup`` (``make bench``)."""

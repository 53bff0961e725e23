"""Properties are tried without a time limit: a machine that is busy is no failure."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

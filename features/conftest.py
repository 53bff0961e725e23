"""What every feature may use: one plugin module per subject, ``features/<subject>_fixtures.py``.

Add yours to the list; its fixtures and steps are then found by all features.
"""

pytest_plugins = [
    "features.condor_fixtures",
    "features.fetch_fixtures",
    "tests.needs",
    "features.glidein_fixtures",
    "features.glidein_steps",
    "features.publishing_fixtures",
    "features.publishing_steps",
]

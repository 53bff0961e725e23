"""What every feature may use: one plugin module per subject, ``features/<subject>_fixtures.py``.

Add yours to the list; its fixtures and steps are then found by all features.
"""

pytest_plugins = [
    "tests.needs",
    "tests.factory_user",
    "features.batch_systems_fixtures",
    "features.condor_fixtures",
    "features.fetch_fixtures",
    "features.frontend_fixtures",
    "features.glidein_fixtures",
    "features.glidein_steps",
    "features.factory_fixtures",
    "features.publishing_fixtures",
    "features.publishing_steps",
    "features.setting_up_fixtures",
    "features.browser_fixtures",  # uses what is above
    "features.page_steps",
]

"""What every test of a part may use."""

pytest_plugins = [
    *("tests.needs", "tests.configured", "tests.decided", "tests.watched"),
    "tests.factory_user",
]

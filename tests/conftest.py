"""What every test of a part may use."""

pytest_plugins = ["tests.needs", "tests.configured", "tests.factory_user"]

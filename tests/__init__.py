"""The parts one by one: test_<module>.py mirrors orchestrator/, shell/*.bats glidein/lib."""

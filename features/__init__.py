"""What the toolkit promises, in Gherkin: <subject>.feature and its steps, test_<subject>.py."""

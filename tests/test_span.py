"""Lengths of time, for a person."""

import pytest

from orchestrator.span import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7_200, "2 h"),
        (7_259, "2 h"),
        (8 * 86_400 + 3_700, "8 d 1 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_span(seconds: float, words: str) -> None:
    assert span(seconds) == words

"""State files: as they were, or whole."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.daemon import state_file


@contextmanager
def room(size: int) -> Iterator[None]:
    """Have no file grow beyond ``size`` bytes: what fits is written, the rest refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_was_cut_short_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    state_file.write(path, {"a": 1})
    with room(100), pytest.raises(OSError, match=r"status\.json"):
        state_file.write(path, {"a": "x" * 200})
    assert state_file.read(path) == {"a": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["status.json"]

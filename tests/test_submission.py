"""Glideins in a real schedd: none twice, none forgotten, whenever the daemon dies."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from orchestrator.queue.journal import Begun
from orchestrator.queue.queue_view import Freshness, QueueView, State
from tests.factory_user import REQUEST, Daemon, Entry

COUNT = 3


def looked(daemon: Daemon) -> QueueView:
    return daemon.reader.view(time.time())


def seen(view: QueueView) -> tuple[int, int]:
    """Return how many glideins a view has, and how many more may be there."""
    return len(view.glideins), sum(one.count for one in view.unseen)


def test_what_is_submitted_is_seen_without_asking_again(entry: Entry) -> None:
    def run() -> list[Any]:
        daemon = entry.daemon()
        before = looked(daemon)
        clusters = daemon.submitter.submit(REQUEST, [COUNT, 1], time.time())
        daemon.reader._schedd = Nobody()  # type: ignore[assignment]
        return [before, clusters, looked(daemon), daemon.journal.open]

    before, clusters, view, still_open = entry.as_user(run)
    assert (before.freshness, seen(before)) == (Freshness.FRESH, (0, 0))
    assert (view.freshness, seen(view), still_open) == (Freshness.FRESH, (COUNT + 1, 0), ())
    ids = {(one.cluster, one.process) for one in view.glideins}
    assert ids == {(clusters[0], proc) for proc in range(COUNT)} | {(clusters[1], 0)}
    first = view.glideins[0]
    assert (first.state, first.client, first.share, first.credential) == (
        State.WAIT,
        "Frontend.main",
        "Frontend:frontend",
        "ABCDEFGH",
    )
    assert first.queued == pytest.approx(time.time(), abs=60)


class Nobody:
    """A schedd that may not be asked."""

    def query(self, *_: object) -> None:
        raise AssertionError("the schedd was asked")


# Where the process dies: by name, what kills it there.
def before_asking(daemon: Daemon) -> None:
    daemon.schedd.submit = die  # type: ignore[method-assign,assignment]


def with_an_answer_on_its_way(daemon: Daemon) -> None:
    submit = daemon.schedd.submit

    def kill(description: Mapping[str, str], count: int) -> int:
        submit(description, count)
        return die()

    daemon.schedd.submit = kill  # type: ignore[method-assign]


def before_the_record(daemon: Daemon) -> None:
    daemon.journal.done = die  # type: ignore[method-assign,assignment]


def before_the_view(daemon: Daemon) -> None:
    done = daemon.journal.done

    def kill(begun: Begun, cluster: int) -> None:
        done(begun, cluster)
        die()

    daemon.journal.done = kill  # type: ignore[method-assign]


def before_the_journal(daemon: Daemon) -> None:
    daemon.journal.begin = die  # type: ignore[method-assign,assignment]


def die(*_: object) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize(
    ("where", "queued"),
    [
        (before_the_journal, 0),
        (before_asking, 0),
        (with_an_answer_on_its_way, COUNT),
        (before_the_record, COUNT),
        (before_the_view, COUNT),
    ],
)
def test_killed(entry: Entry, where: Callable[[Daemon], None], queued: int) -> None:
    def first() -> None:
        daemon = entry.daemon()
        assert looked(daemon).freshness is Freshness.FRESH
        where(daemon)
        daemon.submitter.submit(REQUEST, [COUNT], time.time())

    with pytest.raises(Exception, match="ended with -9"):
        entry.as_user(first)

    def again() -> list[Any]:
        """Do what a daemon does that wants COUNT glideins."""
        daemon = entry.daemon()
        schedd = daemon.reader._schedd
        daemon.reader._schedd = Away()  # type: ignore[assignment]
        blind = looked(daemon)
        daemon.reader._schedd = schedd
        view = looked(daemon)
        there = sum(seen(view))
        if view.freshness is Freshness.FRESH and there < COUNT:
            daemon.submitter.submit(REQUEST, [COUNT - there], time.time())
        return [blind, view, looked(daemon), daemon.journal.open]

    blind, view, after, still_open = entry.as_user(again)
    # As long as nobody can tell, whatever may be there is counted, and nothing may be done.
    assert blind.freshness is Freshness.FAILED
    assert sum(seen(blind)) >= queued
    assert (view.freshness, seen(view)) == (Freshness.FRESH, (queued, 0))
    assert (seen(after), still_open) == ((COUNT, 0), ())
    assert len(entry.jobs()) == COUNT


class Away:
    """A schedd that does not answer."""

    def query(self, *_: object) -> None:
        from orchestrator.errors import ScheddError

        raise ScheddError("away")

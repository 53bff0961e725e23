"""Steps of submission.feature."""

import base64
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.batch_systems_fixtures import Place, Slurm
from orchestrator.arguments import Client, glidein_arguments, unescape
from orchestrator.deciding.request import Credentials, Request
from orchestrator.errors import SubmitFailed
from orchestrator.outputs.outcome import Ended
from orchestrator.queue.queue_view import Freshness, QueueView, State
from orchestrator.trial.pool import Pool
from tests.factory_user import PILOT, RECORD, REQUEST, Daemon, Entry

scenarios("submission.feature")

LIMIT_S = 240
EXIT_CODE = 7
COUNT = 2
HOSTILE = {
    "QUOTES": """a "b" 'c' \\"d\\" `e` ""f"" ''g''""",
    "DOLLARS": "$(Cluster) $$(Name) $ENV(HOME) $HOME ${HOME} $(DOLLAR) %HOME% ~",
    "SHELL": "a; touch /tmp/x | cat && (b) {c} [d] <e >f *.* ? ! # \\ \\\\",
    "CONDOR": 'queue 7, +Owner = "root" || True; 1,2;3',
    "BLANKS": " two  blanks ",
    "COMMAS": ".comma, .dot, a.b,c",
    "WORDS": "-cluster -v --help",
}
CREDENTIALS = {
    "idtoken": ("u/credential_Frontend.main_north.idtoken", "an.id.token"),
    "payload_1": ("u/credential_payload_50%25@x.jwt", "a.pay.load"),
}
# Tells its arguments, its environment and its files, each in a word of its own.
TELL = """\
#!/bin/bash
word() { printf '%s' "$1" | base64 -w 0; }
for argument; do printf 'argument %s\\n' "$(word "$argument")"; done
printf 'file %s %s\\n' "$(word 'the token')" "$(base64 -w 0 "$IDTOKENS_FILE")"
for file in ${IDENTITY_CREDENTIALS//,/ }; do
  printf 'file %s %s\\n' "$(word "${file##*/}")" "$(base64 -w 0 "$file")"
done
echo 'heard on standard error' >&2
exit 7
"""


@dataclass
class Told:
    """What one glidein told on its standard output."""

    arguments: list[str]
    files: dict[str, str]
    errors: str


@pytest.fixture
def place_of(request: pytest.FixtureRequest) -> Callable[[str], Place]:
    """Where a batch system is, by what the scenario calls it; started when first asked for."""

    def place(name: str) -> Place:
        get = request.getfixturevalue
        match name:
            case "an HTCondor-CE":
                ce: Pool = get("ce")
                at = f"ce@localhost {ce.collector}"
                return Place("condor", at, get("factory_pool"), "schedd@localhost")
            case "Slurm":
                slurm: Slurm = get("slurm")
                assert slurm.ask("sinfo", "-h", "-o", "%t").strip() == "idle"
                pool = get("factory_pool")
                return Place("batch slurm", "localhost", pool, "schedd@localhost")
            case "the schedd's machine":
                return Place("local", "localhost", get("factory_pool"), "schedd@localhost")
            case "a pool without slots":
                pool = get("factory_pool")
                return Place("vanilla", "localhost", pool, "schedd@localhost")
            case "the schedd's own pool":
                return Place("vanilla", "localhost", get("ce"), "ce@localhost")
        raise ValueError(f"no such batch system: {name}")

    return place


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a work tree that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="submission."))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@given(parsers.parse("an entry that submits to {batch_system}"), target_fixture="entry")
def an_entry(
    batch_system: str, place_of: Callable[[str], Place], folder: Path
) -> Iterator[Entry]:
    place = place_of(batch_system)
    name = folder.name.replace(".", "_")
    pilot = replace(PILOT, entry=name, schedd=place.schedd)
    record = replace(
        RECORD,
        pilot=pilot,
        grid_type=place.grid_type,
        gatekeeper=place.gatekeeper,
        submit_attributes={"request_memory": "16", "request_disk": "1024"},
    )
    entry = Entry(place.pool, folder / "work", record)
    entry.work.mkdir()
    entry.lay_out()
    yield entry
    entry.clear()


@given("its glideins tell what they were given")
def tell(entry: Entry) -> None:
    (entry.work / "glidein_startup.sh").write_text(TELL)
    entry.put_credentials(dict(CREDENTIALS.values()))


@pytest.fixture
def asked() -> Request:
    files = {purpose: name for purpose, (name, _) in CREDENTIALS.items()}
    credentials = Credentials("ABCDEFGH", files)
    return replace(REQUEST, parameters=HOSTILE, credentials=credentials)


@when("a request full of hostile strings is served", target_fixture="ended")
def serve(entry: Entry, asked: Request) -> list[Ended]:
    def run() -> list[Ended]:
        """Submit, and look until all glideins have left the queue."""
        daemon = entry.daemon()
        assert look(daemon).freshness is Freshness.FRESH
        daemon.submitter.submit(asked, [COUNT], time.time())
        return until_ended(daemon, COUNT)

    ended = entry.as_user(run, LIMIT_S + 60)
    assert len(ended) == COUNT, logs(entry)
    return ended


def look(daemon: Daemon) -> QueueView:
    return daemon.reader.view(time.time())


def until_ended(daemon: Daemon, count: int) -> list[Ended]:
    """Look until so many glideins have left the queue, or it takes too long; return them."""
    deadline = time.monotonic() + LIMIT_S
    while len(daemon.reader.ended) < count and time.monotonic() < deadline:
        time.sleep(0.2)
        look(daemon)
    return list(daemon.reader.ended)


def logs(entry: Entry) -> str:
    """What the entry and its schedd know, for the message of a failure."""
    paths = [*entry.folder.rglob("*"), *(entry.pool.home / "log").glob("Grid*")]
    return "\n".join(
        f"--- {path}\n{path.read_text(errors='replace')[-3000:]}"
        for path in paths
        if path.is_file()
    )


@pytest.fixture
def told(entry: Entry, ended: list[Ended]) -> list[Told]:
    """What the glideins told, in the order of their numbers."""
    return [read(entry, one) for one in sorted(ended, key=lambda one: one.process)]


def read(entry: Entry, ended: Ended) -> Told:
    output = entry.folder / "glideins" / "Frontend.main" / f"job.{ended.id}.out"
    arguments: list[str] = []
    files: dict[str, str] = {}
    for line in output.read_text().splitlines():
        kind, *words = line.split(" ")
        name, *content = (base64.b64decode(word, validate=True).decode() for word in words)
        if kind == "argument":
            arguments.append(name)
        else:
            files[name] = content[0]
    return Told(arguments, files, output.with_suffix(".err").read_text())


@then("each glidein was told every word of it, and nothing else")
def every_word(entry: Entry, asked: Request, told: list[Told], ended: list[Ended]) -> None:
    client = Client(asked.client, asked.credentials.identifier, asked.web)
    for number, one in enumerate(told):
        expected = glidein_arguments(
            entry.record.pilot,
            client,
            HOSTILE,
            cluster=str(ended[0].cluster),
            process=str(number),
        )
        assert one.arguments == expected
        said = dict(zip(one.arguments[::2], one.arguments[1::2], strict=True))
        for name, value in HOSTILE.items():
            assert unescape(said[f"-param_{name}"]) == value


@then("each glidein was given the credentials")
def credentials(told: list[Told]) -> None:
    for one in told:
        assert one.files == {
            "the token": "an.id.token",
            "credential_payload_50%25@x.jwt": "a.pay.load",
        }


@then("the factory followed each glidein from its queue to its end")
def followed(entry: Entry, told: list[Told], ended: list[Ended]) -> None:
    assert [one.errors.strip() for one in told] == ["heard on standard error"] * COUNT
    assert all(not one.removed for one in ended)
    if entry.record.grid_type.startswith("batch"):
        # Not every batch system tells how a job ended: unknown is no success.
        assert {one.exit_code for one in ended} <= {None, EXIT_CODE}
    else:
        assert {one.exit_code for one in ended} == {EXIT_CODE}


# --- removing --------------------------------------------------------------------------------


@given(parsers.parse("a glidein of it that {does_what} there"))
def a_glidein(entry: Entry, does_what: str, request: pytest.FixtureRequest) -> None:
    wanted = {"runs": State.RUNNING, "waits": State.PENDING}[does_what]
    if does_what == "waits":
        slurm: Slurm = request.getfixturevalue("slurm")
        slurm.ask("scontrol", "update", "PartitionName=main", "State=DOWN")
        request.addfinalizer(
            lambda: slurm.ask("scontrol", "update", "PartitionName=main", "State=UP")
        )

    def run() -> State | None:
        """Submit one, and look until it is where it is to be."""
        daemon = entry.daemon()
        look(daemon)
        daemon.submitter.submit(REQUEST, [1], time.time())
        deadline = time.monotonic() + LIMIT_S
        state = None
        while state is not wanted and time.monotonic() < deadline:
            time.sleep(0.2)
            state = next((one.state for one in look(daemon).glideins), None)
        return state

    assert entry.as_user(run, LIMIT_S + 60) is wanted, logs(entry)


@when("the factory removes it", target_fixture="ended")
def remove(entry: Entry) -> list[Ended]:
    def run() -> list[Ended]:
        daemon = entry.daemon()
        (glidein,) = look(daemon).glideins
        assert daemon.schedd.remove([glidein.id], "a test") == 1
        return until_ended(daemon, 1)

    ended = entry.as_user(run, LIMIT_S + 60)
    assert len(ended) == 1, logs(entry)
    return ended


@then("it is gone at the site")
def gone(entry: Entry, request: pytest.FixtureRequest) -> None:
    deadline = time.monotonic() + LIMIT_S
    while left := there(entry, request):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def there(entry: Entry, request: pytest.FixtureRequest) -> object:
    """What is in the site's own queue."""
    if entry.record.grid_type == "condor":
        ce: Pool = request.getfixturevalue("ce")
        # Removed ones are kept for a while, for whoever submitted them.
        return [job for job in ce.queue(["JobStatus"]) if job["JobStatus"] in (1, 2, 5)]
    slurm: Slurm = request.getfixturevalue("slurm")
    return slurm.ask("squeue", "--noheader")


@then("the factory knows that it was removed")
def removed(ended: list[Ended]) -> None:
    assert [one.removed for one in ended] == [True]


# --- a lost schedd ---------------------------------------------------------------------------


@given("two glideins of it wait there")
def two_glideins(entry: Entry) -> None:
    def run() -> None:
        daemon = entry.daemon()
        look(daemon)
        daemon.submitter.submit(REQUEST, [2], time.time())
        assert len(look(daemon).glideins) == 2

    entry.as_user(run)


@when("the schedd is stopped")
def stop_schedd(entry: Entry, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: start_schedd(entry))
    entry.pool.tool("condor_off", "-fast", "-daemon", "schedd")
    until(lambda: not schedd_runs(entry.pool))


@when("the schedd is started again")
def start_schedd(entry: Entry) -> None:
    entry.pool.tool("condor_on", "-daemon", "schedd")
    until(lambda: schedd_runs(entry.pool) and "Scheduler" in kinds(entry.pool))


def kinds(pool: Pool) -> set[str]:
    return {str(ad.get("MyType")) for ad in pool.ads("-any", attributes=["MyType"])}


def schedd_runs(pool: Pool) -> bool:
    pids = pool._processes()
    return any("condor_schedd" in Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)


def until(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@then("the factory says that the queue is not known, and why")
def not_known(entry: Entry) -> None:
    view = entry.as_user(lambda: look(entry.daemon()))
    assert view.freshness is Freshness.FAILED
    assert view.problem.startswith("schedd@localhost: "), view.problem


@then("it still counts two glideins")
def still_two(entry: Entry) -> None:
    assert len(entry.as_user(lambda: look(entry.daemon())).glideins) == 2


@then("what it would submit fails for certain")
def fails(entry: Entry) -> None:
    def run() -> int:
        daemon = entry.daemon()
        with pytest.raises(SubmitFailed):
            daemon.submitter.submit(REQUEST, [1], time.time())
        return len(daemon.journal.open)

    assert entry.as_user(run) == 0


@then("the factory knows the queue again")
def known_again(entry: Entry) -> None:
    view = entry.as_user(lambda: look(entry.daemon()))
    assert (view.freshness, len(view.glideins)) == (Freshness.FRESH, 2), view.problem


@then("it submits again")
def submits_again(entry: Entry) -> None:
    def run() -> QueueView:
        daemon = entry.daemon()
        look(daemon)
        daemon.submitter.submit(REQUEST, [1], time.time())
        return look(daemon)

    view = entry.as_user(run)
    assert (view.freshness, len(view.glideins), view.unseen) == (Freshness.FRESH, 3, ())

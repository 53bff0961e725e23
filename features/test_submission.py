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
from orchestrator.outcome import Ended
from orchestrator.pool import Pool
from orchestrator.queue_view import Freshness
from orchestrator.request import Credentials, Request
from tests.factory_user import PILOT, RECORD, REQUEST, Entry

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
def script() -> str:
    return TELL


@given("glideins that tell what they were given")
def tell(script: str) -> None:
    assert script.startswith("#!/bin/bash")


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
    batch_system: str, place_of: Callable[[str], Place], folder: Path, script: str
) -> Entry:
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
    entry.lay_out(script)
    entry.put_credentials(dict(CREDENTIALS.values()))
    return entry


@pytest.fixture
def asked() -> Request:
    files = {purpose: name for purpose, (name, _) in CREDENTIALS.items()}
    credentials = Credentials("ABCDEFGH", files)
    return replace(REQUEST, parameters=HOSTILE, credentials=credentials)


@when("a request full of hostile strings is served", target_fixture="ended")
def serve(entry: Entry, asked: Request) -> list[Ended]:
    def run() -> tuple[list[Ended], str]:
        """Submit, and look until all glideins have left the queue."""
        daemon = entry.daemon()
        assert daemon.reader.view(time.time()).freshness is Freshness.FRESH
        daemon.submitter.submit(asked, [COUNT], time.time())
        ended: list[Ended] = []
        deadline = time.monotonic() + LIMIT_S
        while len(ended) < COUNT and time.monotonic() < deadline:
            time.sleep(0.2)
            view = daemon.reader.view(time.time())
            ended += daemon.reader.take_ended()
        return ended, str(view)

    ended, view = entry.as_user(run, LIMIT_S + 60)
    assert len(ended) == COUNT, f"{view}\n{logs(entry)}"
    return ended


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

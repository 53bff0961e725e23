"""Submit descriptions: HTCondor itself reads each grid type's, and finds what was meant."""

import base64
import shutil
import string
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import classad2 as classad
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.arguments import unescape
from orchestrator.deciding.request import Credentials, Request
from orchestrator.errors import SubmissionError
from orchestrator.submit.common import Places
from orchestrator.submit.description import GRID_TYPES, describe, render
from orchestrator.worktree.entry_record import EntryRecord
from tests.factory_user import PILOT, RECORD, REQUEST

NOW = 1_795_559_374.0
FILES = {
    "idtoken": "u/f/c/credential_c_north.idtoken",
    "scitoken": "u/f/c/credential_c_north.scitoken",
    "public_key": "u/f/c/public",
    "private_key": "u/f/c/private",
    "auth_file": "u/f/c/auth",
    "glidein_proxy": "u/f/c/glidein_proxy",
}
VALUES = {"VMId": "ami-1", "VMType": "m1.large", "ProjectId": "project zone-b"}
FULL = replace(REQUEST, credentials=Credentials("ABCDEFGH", FILES, VALUES), user="alice")
Ad = dict[str, Any]
Submit = Callable[[dict[str, str]], Ad]


def record(grid_type: str, **changes: Any) -> EntryRecord:
    gatekeeper = "localhost" if grid_type.startswith("batch") else "ce.example.org:9619"
    return replace(RECORD, grid_type=grid_type, gatekeeper=gatekeeper, **changes)


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """A work tree in which all that is named is there, for condor_submit looks."""
    folder = Path(tempfile.mkdtemp(prefix="submit test $."))
    made = Places.of(folder, "north")
    (made.glideins / REQUEST.client).mkdir(parents=True)
    made.startup.write_text("#!/bin/sh\n")
    made.startup.chmod(0o755)
    for name in FILES.values():
        path = made.credentials / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret\n")
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def dry_run(condor: Path) -> Submit:
    """Have condor_submit read a description; returns the one job's ad, its number 1.0."""

    def run(commands: dict[str, str]) -> Ad:
        done = subprocess.run(
            [condor / "bin/condor_submit", "-dry-run", "-", "-"],
            input=render(commands, 1),
            env={"CONDOR_CONFIG": "/dev/null", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,  # seconds
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "** Proc 1.1" not in done.stdout
        _, _, tail = done.stdout.partition("** Proc 1.0:\n")
        ad = classad.parseOne(tail.partition("\n\n")[0])
        return {str(name): ad.get(name) for name in ad}

    return run


def words(ad: Ad) -> list[str]:
    """Return a job's arguments, which are plain words here."""
    assert "'" not in ad["Arguments"]
    return str(ad["Arguments"]).split(" ")


@pytest.mark.parametrize("grid_type", GRID_TYPES)
def test_every_grid_type(grid_type: str, places: Places, dry_run: Submit) -> None:
    ad = dry_run(describe(record(grid_type), FULL, places, "s1", NOW))
    assert {name: ad[name] for name in ad if name.startswith("Glidein")} == {
        "GlideinFactory": "Example",
        "GlideinName": "first",
        "GlideinEntryName": "north",
        "GlideinEntrySubmitFile": "job.condor",
        "GlideinClient": "Frontend.main",
        "GlideinFrontendName": "Frontend:frontend",
        "GlideinCredentialIdentifier": "ABCDEFGH",
        "GlideinSecurityClass": "frontend",
        "GlideinWebBase": "http://factory.example.org/stage",
        "GlideinLogNr": "20261124",
        "GlideinWorkDir": ".",
        "GlideinSlotsLayout": "fixed",
        "GlideinProxyURL": "None",
        "GlideinOverloadEnabled": "False",
        "GlideinSubmission": "s1",
    }
    assert ad["fename"] == "alice"
    assert ad["Cmd"] == str(places.startup)
    assert ad["UserLog"] == str(places.glideins / "events.20261124.log")
    assert ad["Out"] == str(places.glideins / "Frontend.main/job.1.0.out")
    assert ad["Err"] == str(places.glideins / "Frontend.main/job.1.0.err")
    assert ad["SubmitEventUserNotes"] == "glidein s1"
    assert (ad["JobNotification"], ad["TransferOutput"]) == (0, "")
    assert "PeriodicRemove" not in ad
    expected = RECORD.arguments(_client(FULL), {}, "1", "0")
    assert words(ad) == expected
    assert "secret" not in str(ad)


def _client(request: Request) -> Any:
    from orchestrator.arguments import Client

    return Client(request.client, request.credentials.identifier, request.web)


def described(grid_type: str, places: Places, **changes: Any) -> dict[str, str]:
    asked = changes.pop("request", FULL)
    return describe(record(grid_type, **changes), asked, places, "s1", NOW)


def test_condor(places: Places, dry_run: Submit) -> None:
    ad = dry_run(described("condor", places))
    token = str(places.credentials / FILES["idtoken"])
    proxy = str(places.credentials / FILES["glidein_proxy"])
    assert (ad["JobUniverse"], ad["GridResource"]) == (9, "condor ce.example.org:9619")
    assert ad["TransferInput"] == ad["EncryptInputFiles"] == f"{token},{proxy}"
    assert ad["SciTokensFile"] == str(places.credentials / FILES["scitoken"])
    assert ad["ProjectName"] == "project zone-b"
    assert ad["WhenToTransferOutput"] == "ON_EXIT"
    assert ad["Environment"] == (
        "IDTOKENS_FILE=credential_c_north.idtoken X509_USER_PROXY=glidein_proxy"
    )


def test_without_a_token_a_glidein_is_told_so(places: Places, dry_run: Submit) -> None:
    ad = dry_run(described("condor", places, request=REQUEST))
    assert ad["Environment"] == "IDTOKENS_FILE=/dev/null"
    assert "TransferInput" not in ad


@pytest.mark.parametrize(
    ("gatekeeper", "changes", "user", "resource"),
    [
        ("localhost", {}, "", "batch slurm"),
        ("local", {"bosco_dir": "bosco"}, "glidein", "batch slurm"),
        (
            "login.example.org",
            {},
            "",
            "batch slurm --rgahp-key KEY --rgahp-nopass login.example.org",
        ),
        ("me@login", {}, "", "batch slurm --rgahp-key KEY --rgahp-nopass me@login"),
        ("me@login", {}, "you", "batch slurm --rgahp-key KEY --rgahp-nopass you@login"),
        (
            "me@login",
            {"bosco_dir": "bosco"},
            "",
            "batch slurm --rgahp-key KEY --rgahp-nopass --rgahp-glite ~/bosco/glite me@login",
        ),
    ],
)
def test_batch_systems_here_and_over_ssh(
    gatekeeper: str, changes: dict[str, Any], user: str, resource: str
) -> None:
    places = Places.of(Path("/work"), "north")
    values = {"RemoteUsername": user} if user else {}
    asked = replace(REQUEST, credentials=Credentials("A", FILES, values))
    entry = replace(RECORD, grid_type="batch slurm", gatekeeper=gatekeeper, **changes)
    made = describe(entry, asked, places, "s1", NOW)
    key = str(places.credentials / FILES["private_key"])
    assert made["grid_resource"] == resource.replace("KEY", key)


def test_arc_takes_a_proxy_or_else_a_token(places: Places, dry_run: Submit) -> None:
    rsl = "<WallTime>129600</WallTime>"
    ad = dry_run(described("arc", places, rsl=rsl))
    assert (ad["GridResource"], ad["ArcResources"]) == ("arc ce.example.org:9619", rsl)
    assert "SciTokensFile" in ad
    with_proxy = replace(
        FULL, credentials=Credentials("A", FILES | {"proxy": FILES["public_key"]}, VALUES)
    )
    made = described("arc", places, request=with_proxy)
    assert made["x509userproxy"].endswith("/u/f/c/public")
    assert "MY.SciTokensFile" not in made
    with pytest.raises(SubmissionError, match=r"takes XML.*'\(walltime=9\)'"):
        described("arc", places, rsl="(walltime=9)")


@pytest.mark.parametrize("kind", ["ec2", "gce"])
def test_clouds(kind: str, places: Places, dry_run: Submit) -> None:
    asked = replace(FULL, parameters={"VM_MAX_LIFETIME": "7200", "ODD": "a = [b]"})
    ad = dry_run(described(kind, places, request=asked))
    if kind == "ec2":
        assert (ad["EC2AmiID"], ad["EC2InstanceType"]) == ("ami-1", "m1.large")
        assert ad["EC2AccessKeyId"] == str(places.credentials / FILES["public_key"])
        assert ad["EC2SecretAccessKey"] == str(places.credentials / FILES["private_key"])
        data = ad["EC2UserData"]
    else:
        assert ad["GridResource"] == "gce ce.example.org:9619 project zone-b"
        assert (ad["GceImage"], ad["GceMachineType"]) == ("ami-1", "m1.large")
        assert ad["GceAuthFile"] == str(places.credentials / FILES["auth_file"])
        data = ad["GceMetadata"]
    told, job, rest = data.split("####")
    assert (job, rest) == (" -cluster 1 -subcluster 0", "")
    name, _, encoded = told.partition("=")
    lines = base64.b64decode(encoded).decode().splitlines()
    assert name == "glideinwms_metadata"
    assert lines[0] == "[glidein_startup]"
    arguments = lines[1].removeprefix("args = ").split(" ")
    assert unescape(arguments[arguments.index("-param_ODD") + 1]) == "a = [b]"
    assert "max_lifetime = 7200" in lines
    assert "idtoken_file_name = credential_frontend.idtoken" in lines


@pytest.mark.parametrize(
    ("kind", "missing"), [("ec2", "VMId"), ("ec2", "private_key"), ("gce", "auth_file")]
)
def test_clouds_need_all_their_credentials(kind: str, missing: str, places: Places) -> None:
    files = {name: path for name, path in FILES.items() if name != missing}
    values = {name: value for name, value in VALUES.items() if name != missing}
    asked = replace(FULL, credentials=Credentials("A", files, values))
    with pytest.raises(SubmissionError, match=f"{kind}.*no .*{missing}"):
        described(kind, places, request=asked)


def test_local_glideins_read_files_where_they_are(places: Places, dry_run: Submit) -> None:
    ad = dry_run(described("local", places))
    token = str(places.credentials / FILES["idtoken"])
    assert ad["JobUniverse"] == 12
    # As HTCondor writes blanks.
    assert f"IDTOKENS_FILE={token} X509" in ad["Environment"].replace("' '", " ")


def test_vanilla_glideins_ask_for_the_cores_they_offer(
    places: Places, dry_run: Submit
) -> None:
    ad = dry_run(described("vanilla", places, attributes={"GLIDEIN_CPUS": 8}))
    assert (ad["JobUniverse"], ad["RequestCpus"], ad["ShouldTransferFiles"]) == (
        5,
        8,
        "YES",
    )


def test_lifetimes(places: Places, dry_run: Submit) -> None:
    asked = replace(FULL, idle_lifetime_s=3600)
    ad = dry_run(
        described(
            "condor", places, request=asked, max_walltime_s=1000, idle_lifetime_s=7200
        )
    )
    assert ad["GlideinMaxWalltime"] == 1000
    job = classad.ClassAd({"PeriodicRemove": ad["PeriodicRemove"]})
    now = int(classad.ExprTree("time()").eval())

    def removed(**attributes: Any) -> bool:
        job.update(attributes)
        return job.eval("PeriodicRemove") is True

    assert removed(JobStatus=1, QDate=now - 3700, EnteredCurrentStatus=now)
    assert not removed(GlideinSkipIdleRemoval=True)
    assert not removed(GlideinSkipIdleRemoval=False, QDate=now - 3500)
    assert not removed(JobStatus=2, EnteredCurrentStatus=now - 44_000, QDate=0)
    assert removed(EnteredCurrentStatus=now - 44_300)


def test_what_operators_add(places: Places, dry_run: Submit) -> None:
    own = {
        "+maxWallTime": "5760",
        "request_memory": "4000",
        "+distro": '"RHEL9"',
        "batch_queue": "medium",
        "+GlideinSkipIdleRemoval": "True",
        "notification": "Error",
    }
    ad = dry_run(described("batch slurm", places, submit_attributes=own))
    assert (ad["maxWallTime"], ad["RequestMemory"], ad["distro"]) == (5760, 4000, "RHEL9")
    assert (ad["BatchQueue"], ad["GlideinSkipIdleRemoval"]) == ("medium", True)
    assert ad["JobNotification"] == 3


@pytest.mark.parametrize(
    "name",
    [
        "log",
        "Universe",
        "queue",
        "+GlideinSubmission",
        "MY.GlideinFactory",
        "arguments",
        "+Owner",
    ],
)
def test_what_operators_may_not_say(name: str, places: Places) -> None:
    with pytest.raises(SubmissionError, match="submit attribute"):
        described("condor", places, submit_attributes={name: "1"})


def test_ended_glideins_stay_for_who_accounts_for_them(
    places: Places, dry_run: Submit
) -> None:
    ad = dry_run(described("condor", places, pilot_accounting=True))
    assert "JobStatus is 4" in str(ad["LeaveJobInQueue"])


@pytest.mark.parametrize(
    "changed",
    [
        {"client": "../x"},
        {"client": "a/b"},
        {"security_class": "a\nb"},
        {"credentials": Credentials("A B")},
        {"credentials": Credentials("A", {"idtoken": "a,b"})},
        {"parameters": {"a b": "1"}},
        {"parameters": {"A": "a\nqueue 7"}},
    ],
)
def test_what_no_request_may_say(changed: dict[str, Any], places: Places) -> None:
    with pytest.raises(SubmissionError):
        described("condor", places, request=replace(FULL, **changed))


def test_an_unknown_grid_type_is_told(places: Places) -> None:
    with pytest.raises(SubmissionError, match="'gt5': expected one of condor, arc"):
        described("gt5", places)


HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\"'\\$()[]{}=+,;|&`#%\n\r\t\0 \u00e9\u2028"),
        st.sampled_from(string.ascii_letters),
    ),
    max_size=30,
).map(lambda text: text.replace("Q", "\nqueue 7\n").replace("D", "$(Cluster)$$(Name)"))


@pytest.mark.parametrize("grid_type", GRID_TYPES)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_values_never_become_commands(
    grid_type: str, data: st.DataObject, places: Places, dry_run: Submit
) -> None:
    """Each value arrives as it is, or is refused: with whatever else is in the others."""
    said: dict[str, str] = {}

    def hostile(name: str, usual: str) -> str:
        said[name] = data.draw(st.one_of(st.just(usual), HOSTILE), label=name)
        return said[name]

    files = dict(FILES)
    if data.draw(st.booleans()):
        (places.credentials / "u/it's $(a) \\x.idtoken").write_text("secret\n")
        files["idtoken"] = "u/it's $(a) \\x.idtoken"
    asked = replace(
        FULL,
        security_class=hostile("GlideinSecurityClass", "frontend"),
        parameters={"HOSTILE": hostile("HOSTILE", "a")},
        credentials=Credentials(
            hostile("GlideinCredentialIdentifier", "ABC"), files, VALUES
        ),
    )
    entry = record(grid_type)
    pilot = replace(PILOT, work_dir=hostile("GlideinWorkDir", "."))
    try:
        commands = describe(replace(entry, pilot=pilot), asked, places, "s1", NOW)
    except SubmissionError:
        assert any(not text.isalnum() for text in said.values())
        return
    ad = dry_run(commands)
    arguments = words(ad)
    value = arguments[arguments.index("-param_HOSTILE") + 1] if said["HOSTILE"] else ""
    assert unescape(value) == said.pop("HOSTILE")
    for name, text in said.items():
        assert ad[name] == text
    assert "secret" not in str(ad)
    token = str(places.credentials / files["idtoken"])
    if entry.grid_type not in ("ec2", "gce", "local"):
        assert ad["TransferInput"].split(",")[0] == token


@pytest.mark.parametrize(
    "value",
    ["\\", '\\"', '"\\', '\\\\"\\\\', '"', '""', "'", "a\\n", "$(A)$", "\u00e9 \u4e2d"],
)
def test_strings_arrive(value: str, places: Places, dry_run: Submit) -> None:
    ad = dry_run(described("condor", places, request=replace(FULL, security_class=value)))
    assert ad["GlideinSecurityClass"] == value
    assert ad["GlideinFrontendName"] == f"Frontend:{value}"

"""Steps of glidein.feature."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from orchestrator.outputs.glidein_output import REPORT_BEGIN
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Jobs, Pool
from tests.needs import need

scenarios("glidein.feature")

UP_TO_THE_LAUNCH = ["prepare", "fetch", "verify", "check", "condor", "configure"]


@given("a pool of the same HTCondor with two jobs waiting", target_fixture="jobs")
def waiting_jobs(here: Factory, pool_of: Callable[[str], Pool]) -> Jobs:
    tarball = next((here.stage / "main").glob("condor-*.tar.gz"), None) or next(
        here.stage.glob("condor-*.tar.gz")
    )
    suite = "trixie" if tarball.name.startswith("condor-23.") else "sid"
    pool = pool_of(suite)
    jobs = pool.submit(
        {"executable": "/bin/sh", "arguments": "\"-c 'sleep 1; hostname'\""}, 2
    )
    return jobs


@when("a glidein starts on a node", target_fixture="glidein")
def start(
    here: Factory, node: Node, pool_of: Callable[[str], Pool], jobs: Jobs
) -> LocalGlidein:
    suite = "sid" if "pool-sid" in str(jobs.folder) else "trixie"
    glidein = node.glidein(
        here, pool=pool_of(suite), GLIDEIN_Max_Idle="60", GLIDEIN_Max_Tail="3"
    )
    glidein.start()
    return glidein


@then("both jobs ran in the glidein")
def jobs_ran(jobs: Jobs, pool_of: Callable[[str], Pool]) -> None:
    suite = "sid" if "pool-sid" in str(jobs.folder) else "trixie"
    assert pool_of(suite).wait(jobs, 90) == {0: 0, 1: 0}


@then("the glidein left because it was idle")
def left(glidein: LocalGlidein) -> None:
    assert glidein.wait(90) == 0, glidein.log()[-4000:]
    assert glidein.report()["end"]["cause"] == "idle"


@then(parsers.parse("its report counts {count:d} jobs and tells HTCondor's version"))
def counts(glidein: LocalGlidein, count: int, here: Factory) -> None:
    report = glidein.report()
    assert report["run"]["jobs"] == count
    assert 0 <= report["condor"]["first_job_s"] <= report["condor"]["seconds"]
    assert report["condor"]["name"].startswith("glidein_")
    tarball = next(here.stage.rglob("condor-*.tar.gz")).name
    assert tarball.startswith(f"condor-{report['condor']['version']}-")


@given(parsers.parse("a node with {oddity}"), target_fixture="odd")
def odd(oddity: str) -> str:
    return oddity


@when("a glidein starts there, up to the launch", target_fixture="glidein")
def rehearse(here: Factory, node: Node, odd: str, tmp_path: Path) -> LocalGlidein:
    env: dict[str, str] = {}
    name = "slot"
    wrap: list[str] = []
    match odd:
        case "POSIXLY_CORRECT set":
            env = {"POSIXLY_CORRECT": "1"}
        case "an empty PATH":
            env = {"PATH": ""}
        case "no PATH at all":
            wrap = ["/usr/bin/env", "-u", "PATH"]
        case "an odd IFS":
            wrap = ["/usr/bin/env", "IFS=/.:_-"]
        case "an odd locale":
            env = {"LANG": "tr_TR.UTF-8", "LC_ALL": "xx_YY.nonsense", "LC_NUMERIC": "de_DE"}
        case "blanks in the slot's name":
            name = "my  own slot"
        case "a closed standard input":
            wrap = ["/bin/sh", "-c", 'exec "$@" <&-', "sh"]
        case "a closed standard output":
            wrap = ["/bin/sh", "-c", 'exec "$@" >&-', "sh"]
        case "a shell that acts its grandfather":
            env = {"BASHOPTS": "compat31:failglob:nocasematch", "BASH_COMPAT": "3.1"}
        case "a noexec /tmp":
            need("unshare", root=True)
            wrap = noexec_tmp(here, node)
        case "only wget to fetch with":
            env = {"PATH": str(tools_without_curl(node.folder / "tools"))}
        case "functions and aliases of its own":
            env = {
                "BASH_FUNC_log_info%%": "() { exit 99; }",
                "BASH_FUNC_module%%": "() { echo module; }",
                "BASH_ENV": str(tmp_path / "missing"),
                "GREP_OPTIONS": "--color=always",
                "CDPATH": "/:/usr",
                "SHELLOPTS": "noclobber",
            }
        case _:
            raise ValueError(f"no such oddity: {odd}")
    glidein = node.glidein(here, "--dry-run", env=env, name=name)
    glidein.wrap(wrap, as_root=odd == "a noexec /tmp")
    glidein.start()
    glidein.wait(60)
    return glidein


def tools_without_curl(folder: Path) -> Path:
    """Make a PATH that has every usual program but curl."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(place).iterdir():
            link = folder / program.name
            if program.name != "curl" and not link.exists():
                link.symlink_to(program)
    (folder / "curl").write_text("#!/bin/sh\nexit 127\n")
    (folder / "curl").chmod(0o755)
    return folder


def noexec_tmp(here: Factory, node: Node) -> list[str]:
    """Return a command that gives what it runs a /tmp of its own, mounted noexec.

    The node's and the factory's folders, which are below /tmp, stay where they are.
    """
    keep = " ".join(str(path) for path in (here.folder, node.folder))
    script = (
        "set -e; keep=/run/keep.$$; mkdir $keep; mount --rbind /tmp $keep;"
        " mount -t tmpfs -o noexec,mode=1777 none /tmp;"
        f" for p in {keep}; do mkdir -p $p; mount --bind $keep/${{p#/tmp/}} $p; done;"
        " chmod 755 /tmp/glidein-test.*; umount -l $keep; rmdir $keep;"
        ' exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"'
    )
    return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"]


@then("it got through every phase up to the launch")
def got_through(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()[-4000:]
    done = [phase.name for phase in glidein.phases() if phase.verdict == "ok"]
    assert done == [*UP_TO_THE_LAUNCH, "report", "clean"]


@when(
    parsers.parse("a slot starts {count:d} glideins at once, up to the launch"),
    target_fixture="glidein",
)
def several(here: Factory, node: Node, count: int) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run", "-multiglidein", str(count))
    glidein.start()
    assert glidein.wait(90) == 0, glidein.log()[-4000:]
    return glidein


@then(parsers.parse("there are {count:d} reports of different glideins"))
def reports(glidein: LocalGlidein, count: int) -> None:
    lines = glidein.stdout.read_text().splitlines()
    found = [
        json.loads(lines[n + 1]) for n, line in enumerate(lines) if line == REPORT_BEGIN
    ]
    assert len(found) == count
    assert len({report["glidein"]["uuid"] for report in found}) == count
    assert {report["glidein"]["number"] for report in found} == set(range(1, count + 1))


@then("each has its log to itself")
def own_logs(glidein: LocalGlidein) -> None:
    _, *logs = re.split(r"glidein \d of \d ended: code=0\n", glidein.log())
    for log in logs:
        assert len(set(re.findall(r" pid=(\d+) bash=", log))) == 1, log
        assert log.count("phase=prepare verdict=ok") == 1, log


@given("a node that has HTCondor installed", target_fixture="installed")
def installed(pool: Pool) -> Path:
    return pool.condor


@given(parsers.parse("a factory whose entry names it {how}"), target_fixture="here")
def names_it(factory_with: Callable[..., Factory], installed: Path, how: str) -> Factory:
    match how:
        case "as the one to use":
            attribute = f'CONDOR_DIR = "{installed}"'
        case "first of several paths to try":
            attribute = f'GLIDEIN_Condor_Paths = "{installed}:/nowhere"'
        case "but looks in a wrong place first":
            attribute = f'GLIDEIN_Condor_Paths = "/nowhere:{installed}"'
        case "in a path that is not there":
            attribute = 'GLIDEIN_Condor_Paths = "/nowhere:/nor/here"'
        case "in a place that is empty":
            attribute = 'CONDOR_DIR = "/nowhere"'
        case _:
            raise ValueError(f"no such way: {how}")
    return factory_with(entry=f"\n[attributes]\n{attribute}\n")


@when("a glidein is tried there, up to the launch", target_fixture="glidein")
def tried(here: Factory, node: Node) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run", env={"GLIDEIN_CACHE": "none"})
    glidein.start()
    glidein.wait(60)
    return glidein


@then(parsers.parse("it took HTCondor from {where}"))
def took(glidein: LocalGlidein, here: Factory, installed: Path, where: str) -> None:
    assert glidein.poll() == 0, glidein.log()[-4000:]
    downloaded = any("/condor-" in request.path for request in here.server.served)
    condor = glidein.report()["condor"]
    match where:
        case "the node":
            assert condor["source"] == str(installed)
            assert not downloaded
        case "the web":
            assert "source" not in condor
            assert downloaded
        case _:
            raise ValueError(f"no such place: {where}")

"""Steps of ending.feature."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import USER, Factory, Node
from features.glidein_steps import machines, wait_for
from orchestrator.arguments import escape
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool
from tests.needs import need

scenarios("ending.feature")

REFUSE = '[[files]]\nsource = "refuse_node.sh"\nkind = "exec"\n'
SLOW_SCRIPT = "#!/bin/sh\necho working\nsleep 300\n"


@pytest.fixture
def tools(node: Node) -> Callable[[str, str], dict[str, str]]:
    """Put a program of our own before the node's: ``tools(name, script)`` returns the environment."""

    def make(name: str, script: str) -> dict[str, str]:
        folder = node.folder / "tools"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin"}

    return make


def with_script(factory_with: Callable[..., Factory], text: str) -> Factory:
    """Make a factory whose glideins run the script ``refuse_node.sh``."""
    return factory_with(factory=REFUSE, files={"refuse_node.sh": text})


@pytest.fixture
def silent_web() -> Iterator[str]:
    """A web server that takes requests and never answers; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    kept.append(listener.accept()[0])
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.close()
        for connection in kept:
            connection.close()


@pytest.fixture
def full_port() -> Iterator[str]:
    """The address of a port whose queue is full: who connects there waits."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        yield f"127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()


@given(
    parsers.parse("a glidein that takes its time in phase {phase}"),
    target_fixture="glidein",
)
def slow(
    phase: str,
    factory: Factory,
    factory_with: Callable[..., Factory],
    node: Node,
    tools: Callable[[str, str], dict[str, str]],
    silent_web: str,
    full_port: str,
) -> LocalGlidein:
    before = {"fetch": "prepare", "verify": "fetch", "check": "verify"}
    before |= {"condor": "check", "configure": "condor"}
    env: dict[str, str] = {}
    options: list[str] = []
    here = factory
    match phase:
        case "prepare":  # waits, because others failed here
            memory = node.folder / "backoff"
            memory.mkdir(mode=0o700)
            (memory / "factory.Test").write_text(f"9 {int(time.time())}\n")
            if os.geteuid() == 0:
                for path in (memory, memory / "factory.Test"):
                    shutil.chown(path, USER)
            env = {"BACKOFF_MAX_S": "300"}
        case "fetch":
            options = ["-web", silent_web]
        case "verify":  # the check of all files is one call for a whole list of them
            env = tools(
                "sha256sum", '(($# < 8)) || sleep 300; exec /usr/bin/sha256sum "$@"'
            )
        case "check":
            options = ["-param_GLIDEIN_Collector", escape(full_port)]
        case "condor":
            env = tools(
                "tar", '[[ "$*" != *condor-* ]] || sleep 300; exec /usr/bin/tar "$@"'
            )
        case "configure":
            here = with_script(factory_with, SLOW_SCRIPT)
        case _:
            raise ValueError(f"no such phase: {phase}")
    glidein = node.glidein(here, *options, env=env)
    glidein.start()
    if phase in before:
        done = before[phase]
        wait_for(
            f"the end of phase {done}",
            lambda: (
                any(p.name == done for p in glidein.phases()) or glidein.poll() is not None
            ),
            30,
            glidein.log,
        )
    time.sleep(1)  # into the phase: there is nothing to see of that from outside
    assert glidein.poll() is None, glidein.log()
    return glidein


@when(parsers.parse("the batch system sends it {name} there"), target_fixture="sent")
def send(glidein: LocalGlidein, name: str) -> str:
    glidein.signal(getattr(signal, f"SIG{name}"))
    return name


@then("its report names the signal and the phase")
def report_names(glidein: LocalGlidein, sent: str) -> None:
    report = glidein.report()
    code = report["end"]["code"]
    assert report["end"]["signal"] == sent
    codes = {"prepare": 19, "fetch": 29, "verify": 39, "check": 49, "condor": 59}
    assert {**codes, "configure": 69}[report["end"]["phase"]] == code
    assert report["phases"][-1]["verdict"] == "interrupted"


@then("the pool has forgotten it")
def forgotten(glidein: LocalGlidein, pool: Pool) -> None:
    assert machines(pool, glidein) == []


@given(parsers.parse("a glidein where {trouble}"), target_fixture="glidein")
def troubled(
    trouble: str,
    factory: Factory,
    factory_with: Callable[..., Factory],
    node: Node,
    tmp_path: Path,
) -> LocalGlidein:
    options: list[str] = []
    env = {"FETCH_TRIES": "1"}
    here = factory
    wrap: list[str] = []
    match trouble:
        case "the web server is down":
            with socket.create_server(("127.0.0.1", 0)) as unused:
                options = ["-web", f"http://127.0.0.1:{unused.getsockname()[1]}"]
        case "the disk is full":
            need("unshare", root=True)
            wrap = small_disk(node, "70m")
            env |= {"CHECK_MIN_DISK_MB": "1", "GLIDEIN_CACHE": "none"}
        case "a script says no":
            here = with_script(factory_with, "#!/bin/sh\nexit 1\n")
        case "the signature file is another":
            good = factory.arguments()
            options = ["-sign", good[good.index("-sign") + 1][::-1]]
        case "a signed file was changed":
            # too large for the bundle, so the file itself is fetched, and by then it is another
            here = factory_with(
                factory=REFUSE.replace("refuse_node", "wrong_file"),
                files={"wrong_file.sh": "#!/bin/sh\n" + "# filler\n" * 40_000},
            )
            (published,) = here.stage.glob("wrong_file.*.sh")
            published.write_text(published.read_text().replace("filler", "FILLER", 1))
        case "a file is not signed":
            here = factory_with()
            options = unsign(here)
        case "the work directory cannot be written":
            options = ["-dir", "/proc"]
        case "the collector's port is closed":
            with socket.create_server(("127.0.0.1", 0)) as unused:
                address = f"127.0.0.1:{unused.getsockname()[1]}"
            options = ["-param_GLIDEIN_Collector", escape(address)]
        case "a script never ends":
            here = with_script(factory_with, SLOW_SCRIPT)
            env |= {"SCRIPT_LIMIT_S": "2"}
        case _:
            raise ValueError(f"no such trouble: {trouble}")
    glidein = node.glidein(here, *options, env=env)
    glidein.wrap(wrap, as_root=bool(wrap))
    return glidein


@given(parsers.parse("a glidein whose {output}"), target_fixture="glidein")
def unread(factory: Factory, node: Node, output: str) -> LocalGlidein:
    glidein = node.glidein(factory, "--dry-run")
    if output == "descriptors are all closed":
        glidein.wrap(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
        return glidein
    assert output == "output goes to a closed pipe"
    code = "import os, subprocess, sys; r, w = os.pipe(); os.close(r);"
    code += " sys.exit(subprocess.run(sys.argv[1:], stdout=w, stderr=w).returncode)"
    glidein.wrap(["/usr/bin/python3", "-c", code])
    return glidein


def small_disk(node: Node, size: str) -> list[str]:
    """Return a command that gives what it runs a slot on a disk of that size."""
    slot = node.folder / "slot"
    script = (
        f"mount -t tmpfs -o size={size},mode=1777 none {slot} && cd {slot}"
        ' && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"'
    )
    return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"]


def unsign(here: Factory) -> list[str]:
    """Publish a signature file that leaves one listed file out; return the options that name it."""
    good = here.arguments()
    description = good[good.index("-descript") + 1]
    signature = here.stage / description.replace("description", "signature").replace(
        ".cfg", ".sha256"
    )
    lines = signature.read_text().splitlines()
    kept = [line for line in lines if " constants." not in line]
    assert len(kept) == len(lines) - 2
    signature.write_text("\n".join(kept) + "\n")
    made = subprocess.run(
        ["sha256sum", signature], capture_output=True, text=True, check=True, timeout=10
    )
    return ["-sign", made.stdout.split()[0]]


@when("it runs")
def runs(glidein: LocalGlidein) -> None:
    glidein.start()
    glidein.wait(60)


@when("it is killed outright")
def kill(glidein: LocalGlidein, node: Node) -> None:
    os.killpg(glidein.pid, signal.SIGKILL)
    glidein.wait(10)
    # The batch system kills what is left of the job.
    for line in node.processes():
        os.kill(int(line.split(":")[0]), signal.SIGKILL)


@when("another glidein runs in the same place", target_fixture="other")
def another(glidein: LocalGlidein, factory: Factory, node: Node) -> dict[str, Path]:
    place = glidein.folder
    kept = {}
    for name in ("glide_others", "glide_nobody", "unrelated"):
        kept[name] = place / name / "file"
        kept[name].parent.mkdir()
        kept[name].write_text("somebody's")
    before = set(place.glob("glide_*"))
    neighbour = glidein.again(node.folder / "neighbour", "-dir", str(place))
    node.glideins.append(neighbour)
    neighbour.start()
    wait_for(
        "a neighbour", lambda: "condor verdict=ok" in neighbour.log(), 30, neighbour.log
    )
    (folder,) = set(place.glob("glide_*")) - before
    kept[folder.name] = folder / "glidein_config"
    sweeper = node.glidein(
        factory,
        "--dry-run",
        "-dir",
        str(place),
        env={"WORKDIR_SWEEP_AGE": "0"},
        name="sweeper",
    )
    sweeper.start()
    assert sweeper.wait(60) == 0, sweeper.log()
    assert sweeper.report()["node"]["swept"] == 1
    assert neighbour.poll() is None
    return kept


@then("nothing of the killed one remains")
def swept(glidein: LocalGlidein, other: dict[str, Path]) -> None:
    assert sorted(path.name for path in glidein.folder.glob("glide_*")) == sorted(
        name for name in other if name.startswith("glide_")
    )


@then("a living neighbour and the folders of others were not touched")
def untouched(other: dict[str, Path]) -> None:
    assert all(path.read_text() for path in other.values())


@when("the operator puts its entry on the stop list")
def stop_entry(glidein: LocalGlidein) -> None:
    stage = stage_of(glidein)
    (stage / "stop.lst").write_text("# emergency\nentry here\n")


def stage_of(glidein: LocalGlidein) -> Path:
    """Return the stage folder of the factory that published the glidein's script."""
    return glidein.script.parent.parent / "stage"


@then("a new glidein of that entry ends with code 3 before it brings HTCondor")
def new_one(glidein: LocalGlidein, node: Node) -> None:
    fresh = glidein.again(node.folder / "fresh")
    node.glideins.append(fresh)
    fresh.start()
    assert fresh.wait(30) == 3, fresh.log()
    assert [phase["name"] for phase in fresh.report()["phases"]] == ["prepare", "fetch"]
    assert "condor" not in fresh.report()

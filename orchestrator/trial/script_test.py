"""Run scripts of communities as a glidein would, on this machine, and say what they set.

``glidein/test_script.sh`` runs them; this reads what it leaves.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from orchestrator.errors import FactoryError
from orchestrator.share import share

SECTIONS = ("main", "entry", "client", "client_group")
COLUMNS = ("name", "type", "default", "condor_name", "required", "export", "user_name")
TEXT_LIMIT = 1024 * 1024  # bytes of one text that are read


@dataclass(frozen=True)
class Outcome:
    """What came of one script; ``status`` is None where it was not run, since an earlier one failed."""

    script: str
    status: int | None = None
    ms: int = 0
    output: str = ""
    errors: str = ""
    set: dict[str, str] = field(
        default_factory=dict
    )  # keys of glidein_config, new or changed
    removed: list[str] = field(default_factory=list)
    variables: list[dict[str, str]] = field(
        default_factory=list
    )  # lines of condor_vars.lst
    metrics: dict[str, str] = field(default_factory=dict)
    detail: str = ""
    attributes: str = ""  # with a period: what the startd takes on the next turn
    problem: str = ""  # why it counts as failed, where that is not its exit status

    @property
    def passed(self) -> bool:
        """Say whether a glidein would have gone on after it."""
        return self.status == 0 and not self.problem


def run(
    files: Sequence[Path],
    *,
    section: str = "client",
    facts: Mapping[str, str] | None = None,
    limit_s: int = 600,
    periodic: bool = False,
    folder: Path | None = None,
    bash: str = "bash",
) -> list[Outcome]:
    """Run ``files`` in their order and return what came of each.

    ``facts`` are keys of glidein_config to begin with. The work directory is ``folder``, which must
    be empty and stays; without it, one that is removed.

    Raises:
        FactoryError: the scripts could not be run at all.
    """
    if folder is not None:
        return _run(files, section, facts or {}, limit_s, periodic, folder, bash)
    with tempfile.TemporaryDirectory(prefix="test-script.") as made:
        return _run(files, section, facts or {}, limit_s, periodic, Path(made), bash)


def _run(
    files: Sequence[Path],
    section: str,
    facts: Mapping[str, str],
    limit_s: int,
    periodic: bool,
    folder: Path,
    bash: str,
) -> list[Outcome]:
    words = [bash, str(share("glidein") / "test_script.sh"), str(folder), section]
    words += [f"{key}={value}" for key, value in facts.items()]
    words += ["--", *(str(path.absolute()) for path in files)]
    own = {"SCRIPT_LIMIT_S": str(limit_s), "TEST_SCRIPT_PERIOD": "1" if periodic else ""}
    done = subprocess.run(
        words,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=(limit_s + 60) * len(files) + 60,  # seconds
        check=False,
    )
    results = folder / ".glidein" / "test"
    outcomes = [
        _outcome(path.name, results / str(number)) for number, path in enumerate(files, 1)
    ]
    if done.returncode not in (0, 1) or (done.returncode and outcomes[0].status is None):
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise FactoryError(f"test_script.sh: status {done.returncode}: {last[0]}")
    return outcomes


def _outcome(name: str, folder: Path) -> Outcome:
    status = _text(folder / "status").strip().removeprefix("status=")
    if not status:
        return Outcome(name)
    before, after = (
        _config(_text(folder / f"config.{when}")) for when in ("before", "after")
    )
    lines = _text(folder / "vars.before").splitlines()
    metrics, detail = _result(folder / "result.xml")
    return Outcome(
        script=name,
        status=int(status),
        ms=int(_text(folder / "ms").strip().removeprefix("ms=") or 0),
        output=_text(folder / "out"),
        errors=_text(folder / "err"),
        set={key: value for key, value in after.items() if before.get(key) != value},
        removed=sorted(before.keys() - after.keys()),
        variables=[
            dict(zip(COLUMNS, line.split(), strict=False))
            for line in _text(folder / "vars.after").splitlines()
            if line not in lines and not line.startswith("#") and line.strip()
        ],
        metrics=metrics,
        detail=detail,
        attributes=_text(folder / "again"),
        problem=_problem(_text(folder / "log")),
    )


def _problem(log: str) -> str:
    """Return why the glidein called a script failed, as its log says."""
    said = [line for line in log.splitlines() if " ERROR _script_blame: script " in line]
    why = said[-1].partition(": ")[2].partition(": ")[2] if said else ""
    return why if ": " in why or not why.startswith("status=") else ""


def _config(text: str) -> dict[str, str]:
    pairs = (line.partition(" ") for line in text.splitlines())
    return {key: value for key, _, value in pairs if key and not key.startswith("#")}


def _result(path: Path) -> tuple[dict[str, str], str]:
    """Read the metrics and the detail of what a script said of itself."""
    try:
        root = ElementTree.fromstring(_text(path))
    except ElementTree.ParseError:
        return {}, ""
    metrics = {one.get("name", ""): one.text or "" for one in root.iter("metric")}
    lines = (root.findtext("detail") or "").splitlines()
    return metrics, "\n".join(line.strip() for line in lines).strip()


def _text(path: Path) -> str:
    """Return the beginning of a text, empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return stream.read(TEXT_LIMIT).decode(errors="replace")

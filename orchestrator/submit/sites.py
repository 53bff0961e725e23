"""Grid types that hand a glidein to another batch system: condor (HTCondor-CE), arc, batch."""

from orchestrator.errors import SubmissionError
from orchestrator.submit import text
from orchestrator.submit.common import Commands, Glidein, sandbox

HERE = ("localhost", "local")  # gatekeepers of a batch system on this machine


def condor(glidein: Glidein) -> Commands:
    """Return what is special for HTCondor's own protocol: to a CE, or any schedd."""
    commands = _grid(glidein, glidein.record.gatekeeper)
    commands |= _files(glidein)
    commands |= _proxy(glidein) | _scitoken(glidein)
    project = glidein.request.credentials.values.get("ProjectId")
    if project:
        commands["MY.ProjectName"] = text.string("ProjectId", project)
    return commands


def arc(glidein: Glidein) -> Commands:
    """Return what is special for an ARC-CE (REST): it takes a proxy, or else a token."""
    commands = _grid(glidein, glidein.record.gatekeeper)
    commands |= _files(glidein)
    commands |= _proxy(glidein) or _scitoken(glidein)
    if rsl := glidein.record.rsl:
        if not rsl.startswith("<"):  # as nordugrid's was; HTCondor would send it as it is
            raise SubmissionError(f"rsl: an ARC-CE takes XML, <Resources>' inside: {rsl!r}")
        commands["arc_resources"] = text.plain("rsl", rsl)
    return commands


def batch(glidein: Glidein) -> Commands:
    """Return what is special for a batch system by its own commands: here, or over ssh."""
    record, credentials = glidein.record, glidein.request.credentials
    words: list[str] = []
    if record.gatekeeper not in HERE:
        user, at, host = record.gatekeeper.rpartition("@")
        user = credentials.values.get("RemoteUsername") or user
        if key := glidein.file("private_key"):
            words += ["--rgahp-key", text.word("private key", key), "--rgahp-nopass"]
        if record.bosco_dir:
            home = "" if record.bosco_dir.startswith(("/", "~")) else "~/"
            folder = f"{home}{record.bosco_dir}/glite"
            words += ["--rgahp-glite", text.word("bosco_dir", folder)]
        if at and not user:
            raise SubmissionError(f"gatekeeper {record.gatekeeper!r}: no user before the @")
        words.append(text.word("gatekeeper", f"{user}@{host}" if user else host))
    commands = _grid(glidein, " ".join(words), ready=True)
    return commands | _files(glidein, with_proxy=True) | _scitoken(glidein)


def _grid(glidein: Glidein, where: str, *, ready: bool = False) -> Commands:
    where = where if ready else text.plain("gatekeeper", where)
    resource = f"{text.plain('grid_type', glidein.record.grid_type)} {where}".strip()
    return {"universe": "grid", "grid_resource": resource}


def _files(glidein: Glidein, *, with_proxy: bool = False) -> Commands:
    made = sandbox(glidein, with_proxy=with_proxy)
    commands = {"environment": text.environment(made.variables)}
    if made.files:
        listed = text.files("credential files", made.files)
        commands["transfer_input_files"] = commands["encrypt_input_files"] = listed
    return commands


def _proxy(glidein: Glidein) -> Commands:
    proxy = glidein.file("proxy")
    return {} if proxy is None else {"x509userproxy": text.plain("proxy", proxy)}


def _scitoken(glidein: Glidein) -> Commands:
    token = glidein.file("scitoken")
    return {} if token is None else {"MY.SciTokensFile": text.string("scitoken", token)}

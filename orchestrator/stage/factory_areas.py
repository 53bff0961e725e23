"""The areas of a factory: what its configuration says, as the files glideins read.

One main area, and one area per entry.
"""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.config import Attribute, Configuration, Entry, File, key_attributes
from orchestrator.errors import PublishError
from orchestrator.stage import area
from orchestrator.stage.area import Area, Object, Row, SignatureType
from orchestrator.worktree.seen import Seen

# The columns of condor_vars.lst (the reference's format), and the letter of each type.
_VARS_HEAD = "# VarName Type Default CondorName Req Export UserName\n"
_TYPES = {"string": "S", "int": "I", "expr": "C"}


def main_area(configuration: Configuration, glidein: Path, seen: Seen) -> Area:
    """Return the area that all glideins of the factory read.

    ``glidein`` is the folder of the worker's scripts.

    Raises:
        PublishError: a module of the library is missing there.
    """
    factory = configuration.factory
    kind = factory.web.signature_type
    rows = _attribute_rows(factory.attributes, kind)
    parts = [("library", "lib", name) for name in area.LIBRARY]
    parts += [("api", "worker_api", name) for name in area.WORKER_API]
    for what, folder, name in parts:
        path = glidein / folder / name
        if not path.is_file():
            raise PublishError(f"{path}: glideins need this file, and it is not there")
        rows.append(Row(name, area.make_object(name, path.read_bytes(), kind), what))
    for tarball in configuration.tarballs:
        made = _large_object(tarball.path.name, tarball.path, kind, seen)
        rows.append(Row(tarball.path.name, made, "condor"))
    rows += _custom_rows(configuration, factory.files, kind, seen)
    return area.build(rows, kind, [("stop_list", area.STOP_LIST)])


def entry_area(configuration: Configuration, entry: Entry, seen: Seen) -> Area:
    """Return the area of one entry."""
    kind = configuration.factory.web.signature_type
    attributes = _site_attributes(entry) | key_attributes(entry) | entry.attributes
    rows = _attribute_rows(attributes, kind)
    rows += _custom_rows(configuration, entry.files, kind, seen)
    return area.build(rows, kind, [])


def _site_attributes(entry: Entry) -> dict[str, Attribute]:
    """Return what slots advertise of where their glidein was sent."""
    where = {"GLIDEIN_Gatekeeper": entry.gatekeeper, "GLIDEIN_GridType": entry.grid_type}
    return {
        name: Attribute(value=value, glidein_publish=True, job_publish=True)
        for name, value in where.items()
    }


# Attributes that point glideins to an HTCondor on the node, so that none is downloaded.
_INSTALLED = ("CONDOR_DIR", "GLIDEIN_Condor_Paths")


def early_parameters(
    configuration: Configuration, entry: Entry, main: Area
) -> dict[str, str]:
    """Return the parameters that let an entry's glideins ask for HTCondor before all else.

    For each processor the tarball they will choose, as ``NAME,HASH,BYTES``; none where the
    nodes have an HTCondor themselves. The list in the area decides, this only comes earlier.
    """
    attributes = configuration.factory.attributes | entry.attributes
    if any(name in attributes for name in _INSTALLED):
        return {}
    early: dict[str, str] = {}
    kind = configuration.factory.web.signature_type
    for tarball in configuration.tarballs:
        if entry.condor_version in ("default", tarball.version):
            made = next(one for one in main.objects if one.content == tarball.path)
            early.setdefault(
                f"GLIDEIN_Early_{tarball.arch}",
                f"{made.name},{kind}:{made.hash},{made.size}",
            )
    return early


def _attribute_rows(attributes: Mapping[str, Attribute], kind: SignatureType) -> list[Row]:
    given = [(name, one) for name, one in attributes.items() if one.parameter]
    # One that a Frontend may override reaches glideins as an argument.
    constants = "".join(f"{name} \t{one.value}\n" for name, one in given if one.const)
    variables = _VARS_HEAD + "".join(_variable(name, one) for name, one in given)
    return [
        _text_row("constants.cfg", constants, "CONSTS_FILE", kind),
        _text_row("condor_vars.lst", variables, "CONDOR_VARS_FILE", kind),
    ]


def _variable(name: str, one: Attribute) -> str:
    """Return the line of condor_vars.lst for one attribute: no default, same name, not required."""
    export = "Y" if one.glidein_publish else "N"
    user = "+" if one.job_publish else "-"
    return " \t".join((name, _TYPES[one.type], "-", "+", "N", export, user)) + "\n"


def _text_row(name: str, text: str, config_out: str, kind: SignatureType) -> Row:
    made = area.make_object(name, text.encode(), kind)
    return Row(name, made, "regular", config_out=config_out)


def _large_object(out: str, path: Path, kind: SignatureType, seen: Seen) -> Object:
    digest = seen.digest(path)
    name = area.object_name(out, digest.sha256)
    return Object(name, digest.size, digest.sha256, digest.of(kind), path)


def _custom_rows(
    configuration: Configuration, files: list[File], kind: SignatureType, seen: Seen
) -> list[Row]:
    """Return the rows of the operator's files; where some are unpacked, the list of folders first."""
    rows = []
    folders = ""
    for file in files:
        path = configuration.path(file.source)
        small = path.stat().st_size <= area.BUNDLE_LIMIT
        # Read once, so that the file's hash and its copy in the bundle are of one content.
        if small:
            made = area.make_object(file.out_name, path.read_bytes(), kind)
        else:
            made = _large_object(file.out_name, path, kind, seen)
        if file.kind == "untar":
            folder = file.untar_dir or file.out_name.partition(".")[0]
            folders += f"{file.out_name} \t{folder}\n"
        rows.append(
            Row(
                file.out_name,
                made,
                file.kind,
                period_s=file.period_s,
                prefix=file.prefix,
                condition=file.condition,
                config_out=file.config_out,
            )
        )
    if folders:
        rows.insert(0, _text_row("untar.cfg", folders, "UNTAR_CFG_FILE", kind))
    return rows

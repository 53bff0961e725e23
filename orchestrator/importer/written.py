"""The folder of an import: factory.toml, templates/*.toml, entries/*.toml, and the report."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from orchestrator.errors import ConfigError
from orchestrator.importer import templates, toml_text
from orchestrator.importer.factory import PLACEHOLDER
from orchestrator.importer.imported import DEFAULTS, Imported
from orchestrator.importer.reading import Factory
from orchestrator.importer.report import Report
from orchestrator.importer.templates import Shared
from orchestrator.importer.values import FLAGS, Attr, Said
from orchestrator.work_folder import FACTORY_FILE

REPORT = "import-report.txt"
_FOLDERS = ("entries", "templates")


@dataclass(frozen=True)
class Files:
    """The files of a result, by their names in its folder."""

    by_name: dict[str, str]
    entries: int
    templates: int

    @property
    def size(self) -> int:
        """How many bytes of TOML there are."""
        return sum(
            len(text.encode())
            for name, text in self.by_name.items()
            if name.endswith(".toml")
        )

    def with_report(self, report: Report) -> "Files":
        """Return these files with ``report`` among them."""
        return replace(self, by_name={**self.by_name, REPORT: report.text()})


def files_of(factory: Factory, entries: Sequence[Imported], report: Report) -> Files:
    """Return all files; what only an operator knows is noted in ``report``."""
    found = {}
    flags = _common_flags([*(one.said for one in entries), factory.said])
    said = {one.name: one.said for one in entries}
    shared = templates.share(said, DEFAULTS)
    found[FACTORY_FILE] = _factory_text(factory, entries, flags, report)
    for template in shared.templates:
        found[f"templates/{template.name}.toml"] = _template_text(template, flags)
    for one in entries:
        found[f"entries/{one.name}.toml"] = _entry_text(one, shared, flags)
    return Files(found, len(entries), len(shared.templates))


def write(folder: FilePath, files: Files, *, over: bool) -> None:
    """Write the folder, all of it or nothing; with ``over`` also over an earlier import.

    What an operator added to that (overrides/, work/, …) stays; entries and templates go.

    Raises:
        ConfigError: there is something already.
        OSError: it cannot be written.
    """
    there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if there and not over:
        raise ConfigError(
            f"{folder}: there is something already; another --out, or --replace to write over"
            " factory.toml, entries/ and templates/ of an earlier import"
        )
    if (folder / FACTORY_FILE).exists() and not (folder / REPORT).exists():
        raise ConfigError(
            f"{folder}: no earlier import, for there is no {REPORT}: nothing is written over"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}.", dir=folder.parent
    ) as beside:
        new = (
            FilePath(beside) / "new"
        )  # as open to others as the user wants; `beside` is not
        for name in _FOLDERS:
            (new / name).mkdir(parents=True)
        for name, text in files.by_name.items():
            (new / name).write_text(text, encoding="utf-8")
        if not there:
            new.rename(folder)  # also in the place of an empty folder
            return
        for part in sorted(new.iterdir()):
            old = folder / part.name
            if old.is_dir():
                shutil.rmtree(old)
            part.rename(old)


def _ordered(said: Said) -> Said:
    """Return ``said`` in the order in which a person would look for it."""
    places = {
        path: number
        for number, path in enumerate([("gatekeeper",), ("grid_type",), *DEFAULTS])
    }
    last = len(places)
    return dict(
        sorted(
            said.items(),
            key=lambda item: (
                item[0][0] == "attributes",
                places.get(item[0], last),
                [part.lower() for part in item[0]],
                item[0],
            ),
        )
    )


def _common_flags(all_: Iterable[Said]) -> dict[str, Attr]:
    """Return for each attribute how it mostly is, where that is not how attributes are anyway.

    The value is of no account; the type is empty where it shows in the way values are written.
    """
    counted: dict[str, Counter[tuple[str, tuple[bool, ...]]]] = {}
    for said in all_:
        for path, one in said.items():
            if path[0] == "attributes" and isinstance(one, Attr):
                kind = one.type if one.type == "expr" else ""
                counted.setdefault(path[1], Counter())[kind, one.flags] += 1
    found = {}
    for name in sorted(counted, key=str.lower):
        (kind, flags), count = min(
            counted[name].items(), key=lambda item: (-item[1], item[0])
        )
        if count > 1 and (kind or flags != toml_text.PLAIN):
            found[name] = Attr("", kind, flags)  # type: ignore[arg-type]
    return found


def _flag_lines(flags: Mapping[str, Attr]) -> list[str]:
    lines = []
    for name, one in flags.items():
        items = [("type", toml_text.text(one.type))] if one.type else []
        items += [
            (flag, toml_text.value(now))
            for flag, now, plain in zip(FLAGS, one.flags, toml_text.PLAIN, strict=True)
            if now != plain
        ]
        lines.append(f"{toml_text.key(name)} = {toml_text.inline(items)}")
    return lines


def _factory_text(
    factory: Factory, entries: Sequence[Imported], flags: Mapping[str, Attr], report: Report
) -> str:
    said = dict(factory.said)
    for key in ("factory", "glidein"):
        if (key,) not in said:
            said[key,] = PLACEHOLDER
            report.add("do", "", f'{key}: the XML does not say it: "{PLACEHOLDER}"')
    schedds = dict.fromkeys(factory.schedds)
    for entry in entries:
        own = entry.said.get(("schedd",))
        if isinstance(own, str) and own not in schedds:
            schedds[own] = None
            what = "a schedd that only an entry names, now one of the factory's"
            report.add("mended", entry.where, what, f"{entry.name}: {own}")
    if not schedds:
        schedds[f"{PLACEHOLDER}.invalid"] = None
        report.add("do", "", "schedd: the XML does not say it")
    said["schedd",] = tuple(schedds)
    if ("web", "url") not in said:
        said["web", "url"] = f"http://{PLACEHOLDER}.invalid/factory/stage"
        report.add("do", "", "web.url: the XML does not say it")
    head = ("factory", "glidein", "schedd", "collector", "monitoring_collectors")
    ordered: Said = {(key,): said.pop((key,)) for key in head if (key,) in said}
    ordered["condor_tarballs",] = ()
    lines = toml_text.tables({**ordered, **said}, {}, flags, inlined=False)
    lines += _frontend_lines(factory, entries, report)
    if flags:
        lines += [
            "",
            "# How these attributes are wherever they have a value.",
            "[attribute_flags]",
        ]
        lines += _flag_lines(flags)
    top = [line for one in factory.remarks for line in toml_text.comment(one)]
    return _joined([*top, *lines])


def _frontend_lines(
    factory: Factory, entries: Sequence[Imported], report: Report
) -> list[str]:
    """Return the Frontends, and stand-ins for those that only entries name."""
    frontends = {
        name: (one, dict(classes)) for name, (one, classes) in factory.frontends.items()
    }
    for entry in entries:
        for share in entry.shares:
            name, _, security_class = share.partition(":")
            classes = _classes_of(entry, name) if not security_class else [security_class]
            if name not in frontends:
                frontends[name] = (f"{name}@{PLACEHOLDER}.invalid", {})
                what = (
                    "a Frontend that <security> does not know, which nobody can be as yet"
                )
                report.add(
                    "do", entry.where, what, f"{name}: say its identity in [frontends]"
                )
            for one in classes:
                if one not in frontends[name][1] and one != "All":
                    frontends[name][1][one] = "frontend"
                    what = 'a class that <security> does not know, with the user "frontend"'
                    report.add("do", entry.where, what, f"{name}:{one}")
    lines = []
    for name, (identity, classes_of) in frontends.items():
        classes_text = toml_text.inline(
            (one, toml_text.text(user)) for one, user in classes_of.items()
        )
        lines += ["", f"[frontends.{toml_text.key(name)}]"]
        lines.append(f"identity = {toml_text.text(identity)}")
        if classes_of:
            lines.append(f"classes = {classes_text}")
    return lines


def _classes_of(entry: Imported, name: str) -> list[str]:
    said = entry.said.get(("allow_frontends", name), ())
    return [one for one in said if isinstance(one, str)] if isinstance(said, tuple) else []


def _template_text(template: templates.Template, flags: Mapping[str, Attr]) -> str:
    parent = template.parent
    lines = [f'inherits = ["{parent.name}"]'] if parent else []
    lines += toml_text.tables(
        _ordered(template.said), parent.holds if parent else DEFAULTS, flags
    )
    return _joined(lines)


def _entry_text(entry: Imported, shared: Shared, flags: Mapping[str, Attr]) -> str:
    template = shared.of[entry.name]
    holds = template.holds if template else DEFAULTS
    lines = [line for remark in entry.remarks for line in toml_text.comment(remark)]
    if template:
        lines.append(f'inherits = ["{template.name}"]')
    own = dict(templates.differing(entry.said, holds))
    lines += toml_text.tables(_ordered(own), holds, flags)
    return _joined(lines)


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

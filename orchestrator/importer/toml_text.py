"""Tables as TOML that a person would have written: short forms, and a header where it saves words."""

import json
import re
from collections.abc import Iterable, Mapping

from orchestrator.importer.values import FLAGS, Attr, Path, Said, Table, Value

PLAIN = (
    True,
    True,
    True,
    False,
    False,
)  # an attribute's flags when nothing is said of them
Flags = Mapping[str, Attr]  # by attribute: its flags and type wherever it is given

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def key(name: str) -> str:
    """Return a key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else text(name)


def text(said: str) -> str:
    """Return a string; a literal one where that spares backslashes."""
    if (
        ('"' in said or "\\" in said)
        and "'" not in said
        and not re.search(r"[^\x20-\x7e]", said)
    ):
        return f"'{said}'"
    quoted = json.dumps(said, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04X}", quoted)


def value(said: Value) -> str:
    """Return any value but an attribute."""
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, str):
        return text(said)
    if isinstance(said, tuple):
        return f"[{', '.join(value(one) for one in said)}]"
    if isinstance(said, Table):
        return inline((name, value(one)) for name, one in said.items)
    assert isinstance(said, int | float)
    return repr(said)


def inline(items: Iterable[tuple[str, str]]) -> str:
    """Return a table in one line; its values are TOML already."""
    return f"{{ {', '.join(f'{key(name)} = {said}' for name, said in items)} }}"


def attribute(said: Attr, inherited: Attr | None, flags: Attr | None) -> str:
    """Return an attribute: what makes it of the one that is ``inherited``, or known by ``flags``."""
    bare = said.type == "int" and _NUMBER.fullmatch(said.value) is not None
    below = inherited or flags
    items = []
    if inherited is None or inherited.value != said.value or inherited.type != said.type:
        items.append(("value", said.value if bare else text(said.value)))
    natural = "int" if bare else "string"
    holds = (
        natural if below is None or (inherited is None and not below.type) else below.type
    )
    if holds != said.type or (inherited is not None and natural != said.type):
        items.append(("type", text(said.type)))
    for name, now, before in zip(
        FLAGS, said.flags, below.flags if below else PLAIN, strict=True
    ):
        if now != before:
            items.append((name, value(now)))
    if len(items) == 1 and items[0][0] == "value":
        return items[0][1]
    return inline(items)


def tables(said: Said, inherited: Said, flags: Flags, *, inlined: bool = True) -> list[str]:
    """Return the lines that say ``said``, on top of what is ``inherited``."""
    written: dict[Path, list[tuple[str, str]]] = {}
    for path, one in said.items():
        if isinstance(one, Attr):
            below = inherited.get(path)
            assert below is None or isinstance(below, Attr)
            spelled = attribute(one, below, flags.get(path[-1]))
        elif path[0] == "submit" and isinstance(one, str) and _NUMBER.fullmatch(one):
            spelled = one  # a submit file makes no difference
        elif path[0] == "allow_frontends":
            spelled = (
                value(one[0]) if isinstance(one, tuple) and len(one) == 1 else value(one)
            )
        elif (
            path in (("files",), ("release", "recoverable"))
            and isinstance(one, tuple)
            and one
        ):
            spelled = "[\n" + "".join(f"  {value(each)},\n" for each in one) + "]"
        else:
            spelled = value(one)
        written.setdefault(path[:-1], []).append((path[-1], spelled))
    top = [f"{key(name)} = {one}" for name, one in written.pop((), [])]
    headed: list[str] = []
    for outer in dict.fromkeys(table[0] for table in written):
        within = {table: items for table, items in written.items() if table[0] == outer}
        if (inlined and outer == "limits") or sum(
            len(items) for items in within.values()
        ) == 1:
            top += [_dotted(table, items) for table, items in within.items()]
        else:
            headed += _headed(outer, within)
    return [*top, *headed]


def _dotted(table: Path, items: list[tuple[str, str]]) -> str:
    """Return a table in one line: its only key with the table's name before it, or all inline."""
    name = ".".join(key(part) for part in table)
    if len(items) == 1:
        return f"{name}.{key(items[0][0])} = {items[0][1]}"
    return f"{name} = {inline(items)}"


def _headed(outer: str, below: dict[Path, list[tuple[str, str]]]) -> list[str]:
    """Return the tables within ``outer`` with headers; one with a single key goes into its own."""
    own = [f"{key(name)} = {said}" for name, said in below.pop((outer,), [])]
    rest: list[str] = []
    for table, items in below.items():
        if len(items) == 1:
            own.append(_dotted((*table[1:],), items))
        else:
            name = ".".join(key(part) for part in table)
            rest += ["", f"[{name}]", *(f"{key(one)} = {said}" for one, said in items)]
    return [*(["", f"[{key(outer)}]", *own] if own else []), *rest]


def comment(said: str) -> list[str]:
    """Return the lines of a comment."""
    lines = (_UNSEEN.sub(" ", line).strip() for line in said.splitlines())
    return [f"# {line}" for line in lines if line]

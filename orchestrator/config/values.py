"""The values that keys of the configuration take: names, addresses, counts; each with its check.

A check raises ``ValueError`` with what was expected.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from orchestrator.stage.area import LIBRARY, WORKER_API
from orchestrator.worktree import downtimes

# What a glidein gets from its arguments or finds out by itself: no attribute may say it.
TAKEN = frozenset(
    (
        "GLIDEIN_UUID",
        "GLIDEIN_Factory",
        "GLIDEIN_Name",
        "GLIDEIN_Entry_Name",
        "GLIDEIN_Client",
        "GLIDEIN_CredentialIdentifier",
        "GLIDEIN_Signature",
        "GLIDEIN_Entry_Signature",
        "GLIDEIN_WORK_DIR",
        "GLIDEIN_ENTRY_WORK_DIR",
        "GLIDECLIENT_Name",
        "GLIDECLIENT_Group",
        "CONDORG_CLUSTER",
        "CONDORG_SUBCLUSTER",
        "CONDORG_SCHEDD",
        "SLOTS_LAYOUT",
        "PROXY_URL",
        "CONSTS_FILE",
        "CONDOR_VARS_FILE",
        "UNTAR_CFG_FILE",
    )
)
# What the publisher itself puts into an area.
OWN_FILES = frozenset(
    {"constants.cfg", "condor_vars.lst", "untar.cfg", "condor", *LIBRARY, *WORKER_API}
)
# Commands of a submit file that make it a glidein's.
OWN_COMMANDS = frozenset(
    (
        *("universe", "grid_resource", "executable", "arguments", "queue"),
        *("log", "output", "error", "transfer_input_files", "encrypt_input_files"),
    )
)

NAME_RULE = "letters, digits and . _ - only, not starting with . or -"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEDD = re.compile(r"[A-Za-z0-9._@:-]+")
_COLLECTOR = re.compile(
    r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\]:[0-9]+|<[^<>\s'\"\\]+>"
)
_COMMAND = re.compile(r"\+?[A-Za-z_][A-Za-z0-9_.]*")
_SHARE = re.compile(rf"{NAME.pattern}:{NAME.pattern}")
_WEB = re.compile(r"https?://[^\s/?#@:'\"\\\[\]]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/+-]*)?")
_WEB_IPV6 = re.compile(r"https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?(/[A-Za-z0-9._~/+-]*)?")
_CACHE = re.compile(r"(http://)?[A-Za-z0-9.-]+:[0-9]+")
_BLANK_OR_QUOTE = re.compile(r"[\s'\"\\]")
_WORK_DIRS = (".", "Condor", "OSG", "TMPDIR", "AUTO")


def is_entry_name(text: str) -> bool:
    """Return whether an entry may be called so; two words mean something else in downtimes."""
    return (
        NAME.fullmatch(text) is not None
        and len(text) <= 128
        and text not in (downtimes.FACTORY, downtimes.ALL)
    )


def _check_name(text: str) -> str:
    """A name becomes part of file names, arguments and ClassAd names."""
    if not NAME.fullmatch(text) or len(text) > 128:
        raise ValueError(NAME_RULE)
    return text


def _check_frontend(text: str) -> str:
    if text in ("extend", downtimes.ALL):
        raise ValueError("another name: this word has a meaning of its own")
    return _check_name(text)


def _check_share(text: str) -> str:
    if not _SHARE.fullmatch(text):
        raise ValueError("FRONTEND:CLASS")
    return text


def _check_line(text: str) -> str:
    """A value travels as the rest of one line, whose end is trimmed."""
    if text != text.strip() or not text.isprintable():
        raise ValueError("one line of printable text, no blanks at its ends")
    return text


def _check_word(text: str) -> str:
    """A value travels as one argument of a batch job."""
    if not text or _BLANK_OR_QUOTE.search(text) or not text.isprintable():
        raise ValueError("one word: no blanks, quotes or backslashes")
    return text


def _check_schedd(text: str) -> str:
    if not _SCHEDD.fullmatch(text):
        raise ValueError("a schedd's name: letters, digits and . _ @ : - only")
    return text


def _check_schedds(given: Any) -> list[str]:
    """Read ``schedd``: one, or a list of them."""
    said = [given] if isinstance(given, str) else given
    if not isinstance(said, list) or not said or len(set(map(str, said))) < len(said):
        raise ValueError("a schedd's name, or a list of different ones")
    if not all(isinstance(one, str) and _SCHEDD.fullmatch(one) for one in said):
        raise ValueError("a schedd's name: letters, digits and . _ @ : - only")
    return said


def _check_collectors(given: Any) -> list[str]:
    """Read ``collector``: one, or a list of them."""
    said = [given] if isinstance(given, str) else given
    if not isinstance(said, list) or not all(
        isinstance(one, str) and _COLLECTOR.fullmatch(one) for one in said
    ):
        raise ValueError('a collector "host:port", or a list of them')
    return said


def _check_url(text: str) -> str:
    if not _WEB.fullmatch(text) and not _WEB_IPV6.fullmatch(text):
        raise ValueError("a URL http://host[:port]/path, or https://…")
    return text.rstrip("/")


def _check_caches(given: Any) -> list[str]:
    """Read ``proxy``: "None", "OSG", one web cache, or a list of them."""
    if given in ("None", "OSG"):
        return [] if given == "None" else ["OSG"]
    caches = [given] if isinstance(given, str) else given
    if not isinstance(caches, list) or not all(
        isinstance(cache, str) and _CACHE.fullmatch(cache) for cache in caches
    ):
        raise ValueError('"None", "OSG", or a list of web caches "http://host:port"')
    return caches


def _check_cpus(given: Any) -> int | str:
    if given in ("auto", "slot", "node"):
        return str(given)
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise ValueError('a number of at least 1, or "auto", "slot" or "node"')
    return given


def _check_attribute_name(text: str) -> str:
    if not ATTRIBUTE.fullmatch(text):
        raise ValueError("letters, digits and _ only, not starting with a digit")
    if text in TAKEN:
        raise ValueError("another name: the glidein itself sets this one")
    return text


def _check_command(text: str) -> str:
    if not _COMMAND.fullmatch(text):
        raise ValueError("a command of a submit file, or +ATTRIBUTE")
    if text.lower() in OWN_COMMANDS:
        raise ValueError("another command: the factory itself says this one")
    return text


def _check_command_value(given: Any) -> str:
    """Read what a command of a submit file says; numbers and true, false as ClassAds have them."""
    if not isinstance(given, str | int | float):
        raise ValueError("a text, a number, true or false")  # noqa: TRY004 - for pydantic
    return _check_line(str(given))


def _check_work_dir(text: str) -> str:
    if text not in _WORK_DIRS and not re.fullmatch(r"/[A-Za-z0-9._+/@=-]*", text):
        raise ValueError(f"one of {', '.join(_WORK_DIRS)}, or an absolute path")
    return text


def _check_classes(given: Any) -> list[str]:
    """Read the security classes that an entry allows: "All", or a list of them."""
    said = [given] if isinstance(given, str) else given
    if (
        not isinstance(said, list)
        or not said
        or not all(isinstance(one, str) and NAME.fullmatch(one) for one in said)
    ):
        raise ValueError('"All", or a list of security classes')
    return said


Name = Annotated[str, AfterValidator(_check_name)]
FrontendName = Annotated[str, AfterValidator(_check_frontend)]
Share = Annotated[str, AfterValidator(_check_share)]
Line = Annotated[str, AfterValidator(_check_line)]
Word = Annotated[str, AfterValidator(_check_word)]
Schedd = Annotated[str, AfterValidator(_check_schedd)]
Schedds = Annotated[list[str], PlainValidator(_check_schedds)]
Collectors = Annotated[list[str], PlainValidator(_check_collectors)]
Url = Annotated[str, AfterValidator(_check_url)]
Caches = Annotated[list[str], PlainValidator(_check_caches)]
Cpus = Annotated[int | str, PlainValidator(_check_cpus)]
AttributeName = Annotated[str, AfterValidator(_check_attribute_name)]
Command = Annotated[str, AfterValidator(_check_command)]
CommandValue = Annotated[str, PlainValidator(_check_command_value)]
WorkDir = Annotated[str, AfterValidator(_check_work_dir)]
Classes = Annotated[list[str], PlainValidator(_check_classes)]
Count = Annotated[int, Field(ge=1)]
Bound = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=1)]
Pause = Annotated[float, Field(ge=0)]  # seconds

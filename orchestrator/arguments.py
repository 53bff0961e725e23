"""The arguments of a glidein, as ``glidein_startup.sh`` and the reference system know them.

They travel through batch systems that split at blanks and meddle with quotes. So the values of
parameters are escaped (``.dot,`` for a full stop), and everything else must be a plain word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The name that stands, between "." and ",", for each character some batch system trips over.
_CHARACTERS = {
    "dot": ".",
    "comma": ",",
    "amp": "&",
    "backslash": "\\",
    "pipe": "|",
    "fork": "`",
    "quot": '"',
    "singquot": "'",
    "eq": "=",
    "plus": "+",
    "minus": "-",
    "lt": "<",
    "gt": ">",
    "open": "(",
    "close": ")",
    "gopen": "{",
    "gclose": "}",
    "sopen": "[",
    "sclose": "]",
    "comment": "#",
    "dollar": "$",
    "star": "*",
    "question": "?",
    "not": "!",
    "tilde": "~",
    "colon": ":",
    "semicolon": ";",
    "nbsp": " ",
}
_ESCAPED = str.maketrans(
    {character: f".{name}," for name, character in _CHARACTERS.items()}
)
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Pilot:
    """What all glideins of one entry are told; the hashes are of the signature files."""

    verbosity: str
    glidein: str
    entry: str
    schedd: str
    proxy: str
    factory: str
    web: str
    sign: str
    sign_entry: str
    sign_type: str
    descript: str
    descript_entry: str
    work_dir: str
    slots_layout: str


@dataclass(frozen=True)
class ClientWeb:
    """The two areas of a Frontend: its own, and its group's."""

    url: str
    sign: str
    sign_type: str
    descript: str
    group: str
    group_url: str
    group_sign: str
    group_descript: str


@dataclass(frozen=True)
class Client:
    """For whom a glidein is: ``frontend.group`` and its credential; by hand, nobody."""

    name: str = "by_hand.main"
    credential: str = "none"
    web: ClientWeb | None = None


def escape(value: str) -> str:
    """Write the value of a parameter so that it is one plain word.

    Raises:
        ValueError: it holds a character for which there is no way to write it.
    """
    wrong = next((c for c in value if not c.isprintable()), None)
    wrong = wrong or next((c for c in value if c.isspace() and c != " "), None)
    if wrong is not None:
        raise ValueError(f"a parameter cannot hold the character {wrong!r}: {value!r}")
    return value.translate(_ESCAPED)


def unescape(word: str) -> str:
    """Read what :func:`escape` wrote; what is no known name is left as it stands."""
    return re.sub(r"\.([a-z]+),", lambda found: _CHARACTERS.get(found[1], found[0]), word)


def glidein_arguments(
    pilot: Pilot,
    client: Client,
    parameters: Mapping[str, str],
    cluster: str = "$(Cluster)",
    process: str = "$(Process)",
) -> list[str]:
    """Return the arguments of one glidein, in the reference's order.

    ``cluster`` and ``process`` are left to the schedd to fill in. Empty parameters are dropped.

    Raises:
        ValueError: a value cannot be an argument of a batch job.
    """
    words = [
        *("-v", pilot.verbosity, "-name", pilot.glidein, "-entry", pilot.entry),
        *("-clientname", client.name, "-schedd", pilot.schedd, "-proxy", pilot.proxy),
        *("-factory", pilot.factory, "-web", pilot.web, "-sign", pilot.sign),
        *("-signentry", pilot.sign_entry, "-signtype", pilot.sign_type),
        *("-descript", pilot.descript, "-descriptentry", pilot.descript_entry),
        *("-dir", pilot.work_dir, "-param_GLIDEIN_Client", escape(client.name)),
        *("-submitcredid", client.credential, "-slotslayout", pilot.slots_layout),
    ]
    if client.web is not None:
        web = client.web
        words += [
            *("-clientweb", web.url, "-clientsign", web.sign),
            *("-clientsigntype", web.sign_type, "-clientdescript", web.descript),
            *("-clientgroup", web.group, "-clientwebgroup", web.group_url),
            *(
                "-clientsigngroup",
                web.group_sign,
                "-clientdescriptgroup",
                web.group_descript,
            ),
        ]
    for option, value in zip(words[::2], words[1::2], strict=True):
        if not value or not value.isprintable() or re.search(r"[\s'\"\\$`]", value):
            raise ValueError(f"{option}: cannot be an argument: {value!r}")
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(name):
            raise ValueError(f"not the name of a parameter: {name!r}")
        if value:
            words += [f"-param_{name}", escape(value)]
    return [*words, "-cluster", cluster, "-subcluster", process]

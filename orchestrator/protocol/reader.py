"""Turn what a Frontend advertised into a request, or into a refusal with its reason.

The checks are in the order in which they protect one another: names that may become file names;
the key; who it is, by what the collector says, what was sealed, and what the configuration
knows; what the entry demands; numbers; web areas. Nothing is written before all have passed.
Whatever an ad holds, reading it does not raise.
"""

import logging
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import Refusal, Removal, Request
from orchestrator.errors import ProtocolError
from orchestrator.protocol import methods, pickles
from orchestrator.protocol.credentials import CONTENT_LIMIT, Store
from orchestrator.protocol.keys import Keyring
from orchestrator.protocol.methods import PICKLED, Sealed
from orchestrator.protocol.sealed import SymmetricKey

log = logging.getLogger(__name__)

Ad = Mapping[str, Any]

ATTRIBUTES_LIMIT = 1000  # in one ad
CLIENT_LIMIT = 128  # characters of a client's name
NAME_LIMIT = 512
TEXT_LIMIT = 16 * 1024  # characters of a clear parameter
NUMBER_LIMIT = 10**9
REASON_LIMIT = 300  # characters of a reason that are kept
PASSTHROUGH = "CONTINUE_IF_NO_PROXY"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*")
_NUMBER = re.compile(r"-?[0-9]{1,12}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL = re.compile(r"https?://[^\s'\"\\$`#?]+")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SIGNATURE = {
    "sha1": re.compile(r"[0-9a-f]{40}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_PARAM, _SEALED, _MONITOR = "GlideinParam", "GlideinEncParam", "GlideinMonitor"
_CLASS_OF = "SecurityClass"  # SecurityClassID in a global ad


class Frontend(Protocol):
    """What is configured of a Frontend: its identity, and the user of each security class."""

    @property
    def identity(self) -> str: ...

    @property
    def classes(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Terms:
    """What an entry demands of a request.

    ``allow_frontends``: the security classes it allows, by Frontend, "All" for any; if it names
    no Frontend it allows all. ``passthrough`` is its CONTINUE_IF_NO_PROXY, for requests that
    have none: "True" if a SciToken will do whatever the method.
    """

    entry: str
    auth_method: str = "grid_proxy"
    allow_frontends: Mapping[str, Collection[str]] = field(default_factory=dict)
    passthrough: str = ""


@dataclass(frozen=True)
class GlobalAd:
    """A glideclientglobal ad: files by ID, with the user of their class; and what is wrong."""

    client: str
    frontend: str
    identity: str
    files: dict[str, tuple[str, bytes]] = field(repr=False)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sender:
    """Who sent an ad, once that is sure."""

    frontend: str
    known: Frontend
    identity: str
    sealed: Sealed


class Reader:
    """Reads ads for the factory ``GLIDEIN@FACTORY`` (``name``), for the entries of ``terms``."""

    def __init__(
        self,
        name: str,
        keyring: Keyring,
        frontends: Mapping[str, Frontend],
        terms: Mapping[str, Terms],
        store: Store,
    ) -> None:
        self.name = name
        self.keyring = keyring
        self.frontends = frontends
        self.terms = terms
        self.store = store
        # By key, who the collector says it is, and the same sealed: see _key_of.
        self._keys: dict[tuple[str, str, str], SymmetricKey] = {}

    def read(self, ad: Ad) -> Request | Refusal:
        """Return the request that a glideclient ad makes; its files are then in the store."""
        try:
            return self._request(ad)
        except ProtocolError as error:
            return refusal(ad, str(error))
        except OSError as error:
            return refusal(ad, f"what it brought cannot be kept: {error.strerror}")
        except Exception as error:  # one ad must never cost the others
            log.exception("request cannot be read name=%.100r", ad.get("Name"))
            return refusal(ad, f"cannot be read: {type(error).__name__}")

    def read_global(self, ad: Ad) -> GlobalAd | Refusal:
        """Return what a glideclientglobal ad brings; nothing is written."""
        try:
            return self._global(ad)
        except ProtocolError as error:
            return refusal(ad, str(error))
        except Exception as error:
            log.exception("global ad cannot be read name=%.100r", ad.get("Name"))
            return refusal(ad, f"cannot be read: {type(error).__name__}")

    def forget(self) -> None:
        """Drop the keys and values of the ads that were read."""
        self._keys.clear()
        self.keyring.forget()

    def _request(self, ad: Ad) -> Request:
        name, client = _names(ad)
        req_name = _text(ad, "ReqName", NAME_LIMIT)
        entry, _, of = req_name.partition("@")
        if of != self.name or ad.get("ReqGlidein") != req_name:
            raise ProtocolError(
                f"asks for {req_name[:200]!r}, which is not of this factory"
            )
        terms = self.terms.get(entry)
        if terms is None:
            raise ProtocolError(f"asks for {entry[:200]!r}, which is no entry here")

        sender = self._sender(ad)
        texts = sender.sealed.texts
        security_class = texts.get("SecurityClass", "")
        if not security_class:
            raise ProtocolError("no SecurityClass")
        parameters, monitor = _clear(ad)
        brought = methods.judge(
            sender.sealed,
            method=terms.auth_method,
            passthrough=parameters.get(PASSTHROUGH, terms.passthrough) == "True",
            entry=entry,
            client=client,
            prefix=name.removesuffix(f"_{req_name}@{client}"),
        )
        barred = ""
        if terms.allow_frontends:
            allowed = terms.allow_frontends.get(sender.frontend)
            if not allowed:
                barred = f"the entry does not serve the Frontend {sender.frontend}"
            elif security_class not in allowed and "All" not in allowed:
                raise ProtocolError(
                    f"the entry does not serve the class {security_class[:80]!r}"
                    f" of {sender.frontend}"
                )
        user = sender.known.classes.get(security_class)
        if user is None:
            raise ProtocolError(
                f"{security_class[:80]!r} is no security class of {sender.frontend}"
            )
        most = "ReqMaxGlideins" if "ReqMaxGlideins" in ad else "ReqMaxRunningGlideins"
        idle, max_glideins = _number(ad, "ReqIdleGlideins"), _number(ad, most)
        margin = _number(ad, "ReqRemoveExcessMargin", 0)
        idle_lifetime_s = _number(ad, "ReqIdleLifetime", 0)
        web = _web(ad)
        return Request(
            name=name,
            entry=entry,
            client=client,
            frontend=sender.frontend,
            security_class=security_class,
            identity=sender.identity,
            idle=idle,
            max_glideins=max_glideins,
            removal=_removal(ad),
            margin=margin,
            idle_lifetime_s=idle_lifetime_s,
            parameters=parameters,
            web=web,
            credentials=self.store.keep(user, sender.frontend, client, entry, brought),
            monitor=monitor,
            barred=barred,
            user=user,
        )

    def _global(self, ad: Ad) -> GlobalAd:
        name, client = _names(ad)
        if not name.startswith(f"{self.name}@"):
            raise ProtocolError("not for this factory")
        sender = self._sender(ad, plain=False)
        files, problems = {}, []
        for key, text in sender.sealed.texts.items():
            ident = key.removeprefix(_CLASS_OF)
            if ident == key or not ident:
                continue
            user = sender.known.classes.get(text)
            data = sender.sealed.pickled.get(ident)
            if not _IDENT.fullmatch(ident):
                problems.append(f"{ident[:80]!r}: not an id")
            elif data is None:
                problems.append(f"{ident}: has a class and no content")
            elif user is None:
                problems.append(
                    f"{ident}: {text[:80]!r} is no security class of {sender.frontend}"
                )
            elif not 0 < len(data) <= CONTENT_LIMIT:
                problems.append(f"{ident}: {len(data)} bytes, not 1 to {CONTENT_LIMIT}")
            else:
                files[ident] = (user, data)
        return GlobalAd(client, sender.frontend, sender.identity, files, tuple(problems))

    def _sender(self, ad: Ad, plain: bool = True) -> _Sender:
        """Find out who sent the ad and open what is sealed; ``plain``: values are texts."""
        identity = ad.get("AuthenticatedIdentity")
        if not isinstance(identity, str) or not identity:
            raise ProtocolError("the collector does not say who sent it")
        key = self._key_of(ad, identity)
        sealed = self._open(ad, key, plain)
        frontend = sealed.texts.get("SecurityName", "")
        if not frontend:
            raise ProtocolError("no SecurityName")
        known = self.frontends.get(frontend)
        if known is None:
            raise ProtocolError(f"{frontend[:80]!r} is no Frontend that is known here")
        if identity != known.identity:
            raise ProtocolError(
                f"sent by {identity[:200]!r}, but {frontend} is {known.identity!r}"
            )
        return _Sender(frontend, known, identity, sealed)

    def _key_of(self, ad: Ad, identity: str) -> SymmetricKey:
        """Return the ad's symmetric key, once what it seals of the sender is found true.

        Frontends wrap the same key anew for each ad, so key codes differ. But whoever is
        authenticated as IDENTITY and shows the same sealed identity uses the same key: sealed
        with another, it would look different. So the next ad costs no RSA operation.
        """
        told = tuple(
            ad.get(name) for name in ("ReqPubKeyID", "ReqEncKeyCode", "ReqEncIdentity")
        )
        pub_key_id, code, sealed = told
        if not (
            isinstance(pub_key_id, str)
            and isinstance(code, str)
            and isinstance(sealed, str)
        ):
            raise ProtocolError(
                "is not encrypted: no ReqPubKeyID, ReqEncKeyCode, ReqEncIdentity"
            )
        known = self._keys.get((pub_key_id, identity, sealed))
        if known is not None:
            return known
        key = self.keyring.open(pub_key_id, code)
        try:
            claimed = key.open(sealed)
        except ProtocolError as error:
            raise ProtocolError(f"ReqEncIdentity: {error}") from error
        if claimed != identity.encode():
            raise ProtocolError(
                f"sent by {identity[:200]!r}, but made by {claimed[:200].decode('utf-8', 'replace')!r}"
            )
        self._keys[pub_key_id, identity, sealed] = key
        return key

    def _open(self, ad: Ad, key: SymmetricKey, plain: bool) -> Sealed:
        texts: dict[str, str] = {}
        pickled: dict[str, bytes] = {}
        for attribute, value in ad.items():
            if not attribute.startswith(_SEALED):
                continue
            name = attribute[len(_SEALED) :]
            try:
                if not isinstance(value, str):
                    raise ProtocolError("not a string")
                data = key.open(value)
                if not plain and not name.startswith("Security"):
                    pickled[name] = data
                    continue
                if data[:1] != b"\x80":
                    texts[name] = data.decode()
                    continue
                pickled[name] = data
                if name not in PICKLED:
                    pickles.read(data)
            except UnicodeDecodeError as error:
                raise ProtocolError(
                    f"{attribute[:80]!r}: neither text nor a pickle"
                ) from error
            except ProtocolError as error:
                raise ProtocolError(f"{attribute[:80]!r}: {error}") from error
        return Sealed(texts, pickled)


def refusal(ad: Ad, reason: str) -> Refusal:
    """Return a refusal whose texts can be logged and shown, whatever the ad has in them."""
    told = [
        ad.get(name) for name in ("Name", "ReqName", "ClientName", "AuthenticatedIdentity")
    ]
    name, req_name, client, identity = (
        printable(one, 200) if isinstance(one, str) else "" for one in told
    )
    return Refusal(
        name, req_name.partition("@")[0], client, identity, printable(reason, REASON_LIMIT)
    )


def printable(text: str, limit: int) -> str:
    """Return ``text`` on one line of ASCII, cut off at ``limit`` characters."""
    plain = text[:limit].encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else "?" for c in plain)[:limit]


def _names(ad: Ad) -> tuple[str, str]:
    if len(ad) > ATTRIBUTES_LIMIT:
        raise ProtocolError(f"{len(ad)} attributes, more than {ATTRIBUTES_LIMIT}")
    names = []
    for attribute, limit in (("Name", NAME_LIMIT), ("ClientName", CLIENT_LIMIT)):
        value = ad.get(attribute)
        if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > limit:
            raise ProtocolError(f"{attribute}: not a name that is safe: {value!r:.80}")
        names.append(value)
    return names[0], names[1]


def _text(ad: Ad, name: str, limit: int) -> str:
    value = ad.get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"no {name}")
    if len(value) > limit or not value.isprintable():
        raise ProtocolError(f"{name}: not one line of at most {limit} characters")
    return value


def _number(ad: Ad, name: str, default: int | None = None) -> int:
    value = ad.get(name, default)
    if (isinstance(value, str) and _NUMBER.fullmatch(value)) or (
        isinstance(value, float) and math.isfinite(value)
    ):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProtocolError(f"{name}: not a number: {value!r:.80}")
    if not 0 <= value <= NUMBER_LIMIT:
        raise ProtocolError(f"{name}: not a number of 0 to {NUMBER_LIMIT}: {value!r:.80}")
    return value


def _removal(ad: Ad) -> Removal:
    """Return what may be removed; what is not known is not permitted."""
    value = ad.get("ReqRemoveExcess")
    return Removal(value) if value in ("WAIT", "IDLE", "ALL") else Removal.NO


def _clear(ad: Ad) -> tuple[dict[str, str], dict[str, int]]:
    """Return the clear parameters, and what the Frontend says of itself in numbers."""
    parameters, monitor = {}, {}
    for attribute, value in ad.items():
        if attribute.startswith(_PARAM):
            name = attribute[len(_PARAM) :]
            text = str(value) if isinstance(value, str | int | float) else ""
            if not _PARAMETER.fullmatch(name) or len(name) > 128:
                raise ProtocolError(f"not the name of a parameter: {name[:80]!r}")
            if len(text) > TEXT_LIMIT or not text.isprintable():
                raise ProtocolError(
                    f"{attribute}: not one line of at most {TEXT_LIMIT} characters"
                )
            parameters[name] = text
        elif (
            attribute.startswith(_MONITOR)
            and isinstance(value, int | float)
            and abs(value) <= NUMBER_LIMIT
        ):
            monitor[attribute[len(_MONITOR) :]] = int(value)
    return parameters, monitor


def _web(ad: Ad) -> ClientWeb:
    """Return the Frontend's two areas; all of it becomes arguments of a batch job."""
    kind = _text(ad, "WebSignType", 16)
    if kind not in _SIGNATURE:
        raise ProtocolError(f"WebSignType: neither sha1 nor sha256: {kind!r}")

    def checked(name: str, rule: re.Pattern[str]) -> str:
        value = _text(ad, name, 1024)
        if not rule.fullmatch(value):
            raise ProtocolError(f"{name}: cannot be used: {value[:80]!r}")
        return value

    return ClientWeb(
        url=checked("WebURL", _URL),
        sign=checked("WebDescriptSign", _SIGNATURE[kind]),
        sign_type=kind,
        descript=checked("WebDescriptFile", _FILE),
        group=checked("GroupName", _NAME),
        group_url=checked("WebGroupURL", _URL),
        group_sign=checked("WebGroupDescriptSign", _SIGNATURE[kind]),
        group_descript=checked("WebGroupDescriptFile", _FILE),
    )

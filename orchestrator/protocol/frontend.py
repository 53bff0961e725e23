"""The other side: ask a Factory for glideins as a Frontend does. For operators and tests.

    client = RequestClient(Collector(wms), "vo", "vo@pool", "vo.main", web, offer)
    client.ask("here", idle=2, most=5, parameters={"GLIDEIN_Collector": pool.collector})
    client.answer("here")  # what the Factory says it does
    client.withdraw()

A Frontend repeats its ads every minute; a collector forgets them after a quarter of an hour.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import classad2 as classad
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import Removal
from orchestrator.errors import ProtocolError
from orchestrator.protocol import pickles
from orchestrator.protocol.ads import VERSION, Ad, Kind, Sequences, Value, Withdrawal
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.keys import WRAPPINGS, PublicKey, key_id
from orchestrator.protocol.pickles import Instance, Member
from orchestrator.protocol.sealed import SymmetricKey
from orchestrator.stage import area, publish

Series = Literal["3.10", "3.11"]

_WORDS = {"3.10": "cypher", "3.11": "cipher"}
_NO_PARAMETERS: Mapping[str, Value] = {}


@dataclass(frozen=True)
class Offer:
    """The credentials that a client has.

    ``scitoken`` for the site, ``idtoken`` for the pool; ``files`` are others by the key of a
    3.10 request ("SubmitProxy", "AuthFile", …); ``values`` are VMId, ProjectId and the like.
    """

    scitoken: str = field(default="", repr=False)
    idtoken: str = field(default="", repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict)

    def identifier(self, client: str) -> str:
        """Return the id of the credential for the site, like those that Frontends compute."""
        return credential_id(f"{client} scitoken" if self.scitoken else client)


def credential_id(name: str) -> str:
    """Return the id of a credential: 8 characters that its file's name gives."""
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return base64.b32encode(digest).decode()[:8]


@dataclass(frozen=True)
class Factory:
    """A Factory as a Frontend sees it: ``GLIDEIN@FACTORY``, its key, its entries' ads by name."""

    name: str
    key: PublicKey
    entries: dict[str, Ad]


class Envelope:
    """A fresh symmetric key, wrapped for a Factory, and what it seals for one ad after another."""

    def __init__(self, key: PublicKey, identity: str, series: Series = "3.10") -> None:
        self._key = SymmetricKey.make()
        public = serialization.load_pem_public_key(key.pem.encode())
        assert isinstance(public, rsa.RSAPublicKey)
        self._public = public
        self._series = series
        self._pub_key_id = key.id
        self._identity = identity

    def attributes(self) -> Ad:
        """Return what tells the Factory the key; wrapped anew each time, as Frontends do."""
        code = self._key.code(_WORDS[self._series])
        return {
            "ReqPubKeyID": self._pub_key_id,
            "ReqEncKeyCode": self._public.encrypt(code, WRAPPINGS[self._series]).hex(),
            "ReqEncIdentity": self._key.seal(self._identity.encode()),
        }

    def seal(self, values: Mapping[str, str | bytes]) -> Ad:
        """Return encrypted parameters."""
        return {
            f"GlideinEncParam{name}": self._key.seal(
                value.encode() if isinstance(value, str) else value
            )
            for name, value in values.items()
        }


class RequestClient:
    """A client (a group of a Frontend) that asks the Factory it finds in a collector.

    ``security_name`` is how the Factory's configuration knows the Frontend, ``identity`` is who
    the collector says we are, ``client`` is FRONTEND.GROUP. ``factory``, GLIDEIN@FACTORY, is
    only needed where the collector has several.
    """

    def __init__(
        self,
        collector: Collector,
        security_name: str,
        identity: str,
        client: str,
        web: ClientWeb,
        offer: Offer,
        *,
        security_class: str = "frontend",
        factory: str = "",
        series: Series = "3.10",
    ) -> None:
        self.collector = collector
        self.security_name = security_name
        self.identity = identity
        self.client = client
        self.web = web
        self.offer = offer
        self.security_class = security_class
        self.series: Series = series
        self._factory = factory
        self._sequences = Sequences()

    def discover(self) -> Factory:
        """Find the Factory and its entries as a Frontend does.

        Raises:
            CollectorError: no collector answered.
            ProtocolError: there is none, or several, or its key cannot be used.
        """
        found = self.collector.ads(Kind.GLOBAL)
        if self._factory:
            found = [ad for ad in found if ad.get("Name") == self._factory]
        names = sorted(str(ad.get("Name")) for ad in found)
        if len(found) != 1:
            there = f"{len(found)}: {', '.join(names)}" if found else "none"
            raise ProtocolError(f"collector {self.collector}: factories there: {there}")
        name, key = names[0], public_key(found[0])
        entries = {}
        for ad in self.collector.ads(Kind.FACTORY):
            if str(ad.get("Name")).endswith(f"@{name}"):
                entries[str(ad.get("EntryName"))] = ad
        return Factory(name, key, entries)

    def ask(
        self,
        entry: str,
        *,
        idle: int,
        most: int,
        parameters: Mapping[str, Value] = _NO_PARAMETERS,
        removal: Removal = Removal.NO,
        margin: int = 0,
        idle_lifetime_s: int = 0,
    ) -> Ad:
        """Ask for ``idle`` idle glideins of an entry, ``most`` in all; return the ad that says so.

        Raises:
            CollectorError: the collector did not answer, or did not take the ads.
            ProtocolError: there is no such entry; the message names those that there are.
        """
        factory = self.discover()
        if entry not in factory.entries:
            there = ", ".join(sorted(factory.entries)) or "none"
            raise ProtocolError(f"{factory.name}: no entry {entry}; there are: {there}")
        envelope = Envelope(factory.key, self.identity, self.series)
        ad = self.request_ad(
            f"{entry}@{factory.name}",
            envelope,
            idle=idle,
            most=most,
            parameters=parameters,
            removal=removal,
            margin=margin,
            idle_lifetime_s=idle_lifetime_s,
        )
        # The global ad first: the request names the files that it brings.
        self.collector.advertise(
            [self.global_ad(factory.name, envelope)], Kind.REQUEST_GLOBAL
        )
        self.collector.advertise([ad], Kind.REQUEST)
        return ad

    def answer(self, entry: str) -> Ad | None:
        """Return what the Factory says it does for us at an entry, None if nothing (yet)."""
        mine = (
            f"ReqClientName =?= {classad.quote(self.client)}"
            f" && ReqEntryName =?= {classad.quote(entry)}"
        )
        return next(iter(self.collector.ads(Kind.CLIENT, constraint=mine)), None)

    def asked(self) -> list[Ad]:
        """Return our requests that the collector still has."""
        mine = f"ClientName =?= {classad.quote(self.client)}"
        return self.collector.ads(Kind.REQUEST, constraint=mine)

    def withdraw(self) -> None:
        """Withdraw all that we asked for.

        Raises:
            CollectorError: the collector did not take the withdrawal.
        """
        mine = f"ClientName =?= {classad.quote(self.client)}"
        self.collector.withdraw(
            (Withdrawal(Kind.REQUEST, mine), Withdrawal(Kind.REQUEST_GLOBAL, mine))
        )

    def request_ad(
        self,
        target: str,
        envelope: Envelope,
        *,
        idle: int,
        most: int,
        parameters: Mapping[str, Value] = _NO_PARAMETERS,
        removal: Removal = Removal.NO,
        margin: int = 0,
        idle_lifetime_s: int = 0,
    ) -> Ad:
        """Return the ``glideclient`` ad for ``target``, ENTRY@GLIDEIN@FACTORY."""
        entry = target.partition("@")[0]
        ident = self.offer.identifier(self.client)
        reference = parameters.get("GLIDEIN_Collector", "")
        told = {"GLIDECLIENT_ReqNode": reference, "USE_MATCH_AUTH": "True", **parameters}
        name = f"{ident}_{target}@{self.client}"
        return {
            **self._head(Kind.REQUEST, name),
            **envelope.attributes(),
            **envelope.seal(self._sealed(entry, ident)),
            **{f"GlideinParam{key}": value for key, value in told.items() if value != ""},
            "ReqName": target,
            "ReqGlidein": target,
            "ReqIdleGlideins": idle,
            "ReqMaxGlideins": most,
            "ReqRemoveExcess": str(removal),
            "ReqRemoveExcessMargin": margin,
            "ReqIdleLifetime": str(idle_lifetime_s),
            "WebURL": self.web.url,
            "WebSignType": self.web.sign_type,
            "WebDescriptFile": self.web.descript,
            "WebDescriptSign": self.web.sign,
            "WebGroupURL": self.web.group_url,
            "WebGroupDescriptFile": self.web.group_descript,
            "WebGroupDescriptSign": self.web.group_sign,
        }

    def global_ad(self, factory: str, envelope: Envelope) -> Ad:
        """Return the ``glideclientglobal`` ad: with series 3.10, the files that requests name."""
        sealed: dict[str, str | bytes] = {"SecurityName": self.security_name}
        files = self._files() if self.series == "3.10" else {}
        sealed["NumberOfCredentials"] = str(len(files))
        for ident, data in files.items():
            sealed[ident] = data
            sealed[f"SecurityClass{ident}"] = self.security_class
        return {
            **self._head(Kind.REQUEST_GLOBAL, f"{factory}@{self.client}"),
            **envelope.attributes(),
            **envelope.seal(sealed),
        }

    def _head(self, kind: Kind, name: str) -> Ad:
        return {
            "MyType": kind.my_type,
            "GlideinMyType": kind.my_type,
            "GlideinWMSVersion": VERSION,
            "Name": name,
            "UpdateSequenceNumber": self._sequences.next(name),
            "ClientName": self.client,
            "FrontendName": self.client.partition(".")[0],
            "GroupName": self.web.group,
            "FrontendHAMode": "master",
        }

    def _files(self) -> dict[str, bytes]:
        files = {
            credential_id(f"{self.client} {key}"): data
            for key, data in self.offer.files.items()
        }
        if self.offer.scitoken:
            files[self.offer.identifier(self.client)] = self.offer.scitoken.encode()
        return files

    def _sealed(self, entry: str, ident: str) -> dict[str, str | bytes]:
        sealed: dict[str, str | bytes] = {
            "SecurityName": self.security_name,
            "SecurityClass": self.security_class,
        }
        if self.series == "3.11":
            return sealed | self._objects()
        for key in self.offer.files:
            sealed[key] = credential_id(f"{self.client} {key}")
        if self.offer.scitoken:
            sealed["ScitokenId"] = ident
            sealed["frontend_scitoken"] = self.offer.scitoken
        if self.offer.idtoken:
            sealed[f"{entry}.idtoken"] = self.offer.idtoken
        return sealed | dict(self.offer.values)

    def _objects(self) -> dict[str, bytes]:
        def token(kind: str, purpose: str, text: str) -> Instance:
            state: dict[str, Any] = {
                "_string": text.encode(),
                "path": f"/{kind.lower()}",
                "_purpose": (Member("CredentialPurpose", purpose), None),
                "trust_domain": "grid",
                "security_class": self.security_class,
                "creation_script": None,
                "minimum_lifetime": 0,
            }
            return Instance(kind, state)

        requested = payload = []
        if self.offer.scitoken:
            requested = [token("SciToken", "request", self.offer.scitoken)]
        if self.offer.idtoken:
            payload = [token("IdToken", "callback", self.offer.idtoken)]
        values = [
            Instance("StringParameter", {"_name": Member("ParameterName", k), "_value": v})
            for k, v in self.offer.values.items()
        ]
        kinds = {Member("CredentialType", "scitoken")} if requested else set()
        objects = {
            "AuthSet": Instance("AuthenticationSet", {"_required_types": kinds}),
            "RequestCredentials": requested,
            "PayloadCredentials": payload,
            "SecurityParameters": values,
        }
        return {name: pickles.write(value) for name, value in objects.items()}


def public_key(ad: Mapping[str, Value]) -> PublicKey:
    """Return the key of a ``glidefactoryglobal`` ad.

    Raises:
        ProtocolError: it has none that can be used, or one that is not the one it names.
    """
    pem = str(ad.get("PubKeyValue", "")).replace("\\n", "\n")
    name, kind = ad.get("Name"), ad.get("PubKeyType")
    if kind != "RSA" or ad.get("PubKeyID") != key_id(pem.encode()):
        raise ProtocolError(f"{name}: its key is of type {kind!r}, or not what its id says")
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ProtocolError(f"{name}: its key cannot be read: {error}") from error
    if not isinstance(public, rsa.RSAPublicKey):
        raise ProtocolError(f"{name}: its key is no RSA key")
    return PublicKey(str(ad["PubKeyID"]), pem)


def publish_empty_areas(folder: Path, url: str, group: str = "main") -> ClientWeb:
    """Publish two areas with nothing in them, for a client that has none of its own.

    ``folder`` is what a web server shows at ``url``.

    Raises:
        PublishError: something else stands in their place.
    """
    empty = area.build([], "sha256")
    publish.carry_out(
        publish.prepare(empty, place) for place in (folder, folder / f"group_{group}")
    )
    return ClientWeb(
        url=url,
        sign=empty.signature.hash,
        sign_type="sha256",
        descript=empty.description.name,
        group=group,
        group_url=f"{url}/group_{group}",
        group_sign=empty.signature.hash,
        group_descript=empty.description.name,
    )


def wait_for_answer(
    client: RequestClient, entry: str, glideins: int, limit_s: float, pause_s: float = 2
) -> Ad:
    """Wait until the Factory says that so many glideins are in its queue, and return what it says.

    Raises:
        TimeoutError: it did not say so; the message tells what it said last.
    """
    deadline = time.monotonic() + limit_s
    while True:
        said = client.answer(entry) or {}
        there = sum(
            int(said.get(f"GlideinMonitorStatus{state}", 0))
            for state in ("Idle", "Running")
        )
        if there >= glideins:
            return said
        if time.monotonic() >= deadline:
            counts = {
                name.removeprefix("GlideinMonitorStatus"): value
                for name, value in sorted(said.items())
                if name.startswith("GlideinMonitorStatus") and value
            }
            raise TimeoutError(
                f"{entry}: {there} of {glideins} glideins after {limit_s:.0f} s;"
                f" the factory says: {counts or ('none' if said else 'nothing')}"
            )
        time.sleep(pause_s)

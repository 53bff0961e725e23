"""Ads as Frontends make them: those that real ones made, and others made to measure."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import Refusal, Request
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.credentials import Store
from orchestrator.protocol.frontend import Envelope, Offer, RequestClient, Series
from orchestrator.protocol.keys import Keyring, PrivateKey
from orchestrator.protocol.reader import Reader, Terms
from orchestrator.protocol.sealed import SymmetricKey

VECTORS = Path(__file__).parent.parent / "vectors"
SERIES: tuple[Series, Series] = ("3.10", "3.11")
FACTORY = "inst1@factoryX"
IDENTITY = "vo@pool"
# Made up; it expires on 2036-11-15.
TOKEN = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwaWxvdCIsImV4cCI6MjExMDM2MDAwMH0"
    ".4t_-o3HcTJ0yCQ1rYUXWHGM3hxkZDOgVTCzvHZ0Jvc4"
)
EXPIRES = 2110360000
WEB = ClientWeb(
    url="http://vo.example/stage",
    sign="a" * 40,
    sign_type="sha1",
    descript="description.a.cfg",
    group="main",
    group_url="http://vo.example/stage/group_main",
    group_sign="b" * 40,
    group_descript="description.b.cfg",
)


@functools.cache
def vector(series: str) -> dict[str, Any]:
    """Return what was recorded of a Frontend of a series: ads, the key, what must come out."""
    text = (VECTORS / f"frontend_{series}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@functools.cache
def factory_key() -> PrivateKey:
    """Return a key pair; making one takes a while."""
    return PrivateKey.from_pem(vector("3.10")["factory_key_pem"].encode())


@dataclass(frozen=True)
class Frontend:
    identity: str
    classes: dict[str, str]


FRONTENDS = {"vo": Frontend(IDENTITY, {"frontend": "alice", "other": "bob"})}


def reader(
    store: Path,
    terms: Terms | None = None,
    key: PrivateKey | None = None,
    frontends: Mapping[str, Frontend] | None = None,
) -> Reader:
    """Return a reader for ENTRY_A of the factory, and for ENTRY_B."""
    terms = terms or Terms("ENTRY_A", "scitoken")
    return Reader(
        FACTORY,
        Keyring(key or factory_key()),
        frontends or FRONTENDS,
        {"ENTRY_A": terms, "ENTRY_B": terms},
        Store(store / "credentials"),
    )


def client(
    offer: Offer | None = None, series: Series = "3.10", **more: Any
) -> RequestClient:
    """Return a client that makes ads and never meets a collector."""
    told = {"security_name": "vo", "identity": IDENTITY, "client": "vo.main", **more}
    return RequestClient(
        cast(Collector, None),
        web=WEB,
        offer=offer or Offer(scitoken=TOKEN, idtoken=TOKEN),
        series=series,
        **told,
    )


def ad(
    made_by: RequestClient | None = None, entry: str = "ENTRY_A", **more: Any
) -> dict[str, Any]:
    """Return a request as a collector would give it; ``more`` attributes, None: without it."""
    made_by = made_by or client()
    envelope = Envelope(factory_key().public, made_by.identity, made_by.series)
    made: dict[str, Any] = dict(
        made_by.request_ad(f"{entry}@{FACTORY}", envelope, idle=3, most=20)
    )
    return received(made, made_by.identity, more)


def global_ad(made_by: RequestClient, **more: Any) -> dict[str, Any]:
    """Return a global ad as a collector would give it."""
    envelope = Envelope(factory_key().public, made_by.identity, made_by.series)
    made: dict[str, Any] = dict(made_by.global_ad(FACTORY, envelope))
    return received(made, made_by.identity, more)


def received(
    made: dict[str, Any], identity: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    made |= {"AuthenticatedIdentity": identity, "LastHeardFrom": 1795384631, **more}
    return {name: value for name, value in made.items() if value is not None}


def key_of(made: Mapping[str, Any]) -> SymmetricKey:
    """Return the symmetric key of an ad, to seal more with."""
    return factory_key().unwrap(made["ReqEncKeyCode"])


def sealing(made: dict[str, Any], **values: str | bytes | None) -> dict[str, Any]:
    """Return the ad with other encrypted parameters; None takes one away."""
    key = key_of(made)
    made = dict(made)
    for name, value in values.items():
        made.pop(f"GlideinEncParam{name}", None)
        if value is not None:
            data = value.encode() if isinstance(value, str) else value
            made[f"GlideinEncParam{name}"] = key.seal(data)
    return made


def accepted(outcome: Request | Refusal) -> Request:
    assert isinstance(outcome, Request), outcome
    return outcome


def refused(outcome: Request | Refusal) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.reason


def counted(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[None]:
    """Let a function work as before and return what grows with every call of it."""
    calls: list[None] = []
    real = getattr(owner, name)

    def call(*arguments: Any) -> Any:
        calls.append(None)
        return real(*arguments)

    monkeypatch.setattr(owner, name, call)
    return calls

"""What a request brings, held against what its entry demands (``auth_method``).

The words of a method, joined by ``+`` (3.11 also ``;``), are all demanded; of words joined by
``,`` one will do. A 3.10 request names files by their IDs in the client's global ad and carries
tokens itself; a 3.11 request carries all of it, as pickled objects.

Purposes, by which :class:`orchestrator.deciding.request.Credentials` knows its files:

``scitoken``, ``proxy``, ``public_cert`` and ``private_cert``, ``public_key`` and
``private_key``, ``auth_file``, ``username`` and ``password``, ``token``: for the site;
``idtoken``: for the pool that the glidein joins; ``glidein_proxy``: for the glidein itself;
``payload_1`` and on: more for the glidein (3.11). An IDTOKEN for the site (3.11) is not kept:
HTCondor shows none of a job's to another schedd.
"""

import functools
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import ProtocolError
from orchestrator.protocol import pickles
from orchestrator.protocol.credentials import CONTENT_LIMIT, Brought, Content, is_token
from orchestrator.protocol.pickles import Instance, Member

PICKLED = ("AuthSet", "RequestCredentials", "PayloadCredentials", "SecurityParameters")
VALUES = ("VMId", "VMType", "ProjectId", "RemoteUsername")
OBJECTS_LIMIT = 32  # credentials in one list

# 3.10: the keys whose values are IDs, and the purpose of each file.
_KEYS = {
    "SubmitProxy": "proxy",
    "GlideinProxy": "glidein_proxy",
    "PublicCert": "public_cert",
    "PrivateCert": "private_cert",
    "PublicKey": "public_key",
    "PrivateKey": "private_key",
    "AuthFile": "auth_file",
    "Username": "username",
    "Password": "password",
}
# The keys of each base method; the first one's ID is the tracking id.
_OWN_KEYS = {
    "grid_proxy": ("SubmitProxy",),
    "cert_pair": ("PublicCert", "PrivateCert"),
    "key_pair": ("PublicKey", "PrivateKey"),
    "auth_file": ("AuthFile",),
    "username_password": ("Username", "Password"),
}
_MODIFIERS = {
    "vm_id": "VMId",
    "vm_type": "VMType",
    "project_id": "ProjectId",
    "username": "RemoteUsername",
}
# 3.11: the classes that satisfy a word; both series' words for the same thing.
_CLASSES = {
    "scitoken": "SciToken",
    "idtoken": "IdToken",
    "token": "Token",
    "grid_proxy": "X509Cert",
    "x509_cert": "X509Cert",
    "cert_pair": "X509Pair",
    "x509_pair": "X509Pair",
    "key_pair": "RSAKeyPair",
    "rsa_key": "RSAPublicKey",
    "rsa_public_key": "RSAPublicKey",
    "rsa_private_key": "RSAPrivateKey",
    "auth_file": "TextCredential",
    "text": "TextCredential",
    "username_password": "UsernamePassword",
    "symmetric_key": "SymmetricKey",
}
_PARAMETERS = {**_MODIFIERS, **{name.lower(): name for name in VALUES}}
# 3.11: the purposes of an object's file, and of its private half; and the name's ending.
_FILES = {
    "SciToken": ("scitoken", "", "scitoken"),
    "IdToken": ("", "", "idtoken"),
    "Token": ("token", "", "jwt"),
    "GlobusComputeToken": ("token", "", "jwt"),
    "X509Cert": ("proxy", "", "pem"),
    "X509Pair": ("public_cert", "private_cert", "pem"),
    "RSAKeyPair": ("public_key", "private_key", "rsa"),
    "RSAPublicKey": ("public_key", "", "rsa"),
    "RSAPrivateKey": ("private_key", "", "rsa"),
    "TextCredential": ("auth_file", "", "txt"),
    "UsernamePassword": ("username", "password", "txt"),
    "SymmetricKey": ("symmetric_key", "", "key"),
}
_TOKENS = frozenset(("SciToken", "IdToken", "Token", "GlobusComputeToken"))
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True)
class Sealed:
    """What the encrypted parameters of a request held: texts, and what was pickled."""

    texts: Mapping[str, str]
    pickled: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@functools.lru_cache(maxsize=256)
def groups(method: str) -> list[list[str]]:
    """Return the words of an ``auth_method``: of each inner list one is demanded."""
    return [part.strip().split(",") for part in re.split(r"[+;]", method.lower())]


def judge(
    sealed: Sealed,
    *,
    method: str,
    passthrough: bool,
    entry: str,
    client: str,
    prefix: str,
) -> Brought:
    """Return the credentials of a request if they are what the entry demands.

    ``prefix`` is how the ad's name begins: the tracking id, in series 3.11. ``passthrough``:
    the entry takes a SciToken where its method demands another credential.

    Raises:
        ProtocolError: something is missing, not wanted, or not what it should be.
    """
    if "AuthSet" in sealed.pickled:
        return _judge_objects(sealed, method, passthrough, prefix)
    return _judge_references(sealed, method, passthrough, entry, client, prefix)


# Series 3.10: references and tokens


def _judge_references(
    sealed: Sealed, method: str, passthrough: bool, entry: str, client: str, prefix: str
) -> Brought:
    texts = sealed.texts
    if "x509_proxy_0" in texts:
        raise ProtocolError("speaks the old protocol (v2), which is not served")
    words = [_choose(group, texts) for group in groups(method)]
    base = [word for word in words if word in _OWN_KEYS or word in ("scitoken", "idtoken")]
    if not base and words != ["any"]:
        raise ProtocolError(f"the entry's auth_method {method!r} is not known here")
    values = _values(texts, words)
    contents = {}
    names = {
        "idtoken": f"credential_{client}_{entry}.idtoken",
        "scitoken": f"credential_{client}_{entry}.scitoken",
    }
    for purpose, key in (
        ("idtoken", f"{entry}.idtoken"),
        ("scitoken", "frontend_scitoken"),
    ):
        if key in texts:
            data = texts[key].encode()
            if not is_token(data):
                raise ProtocolError(f"{key}: not a token")
            contents[purpose] = Content(names[purpose], data)

    references = {
        _KEYS[key]: _ident(key, ident) for key, ident in texts.items() if key in _KEYS
    }
    if "scitoken" in base or ("scitoken" in contents and passthrough):
        if "ScitokenId" not in texts:
            raise ProtocolError("no ScitokenId, which is the credential's tracking id")
        tracking, required = texts["ScitokenId"], ["scitoken"]
        optional = references
    else:
        keys = [key for word in base for key in _OWN_KEYS.get(word, ())]
        if "grid_proxy" not in base and "idtoken" not in base and not passthrough and keys:
            keys.append("GlideinProxy")
        missing = [key for key in keys if key not in texts]
        if missing:
            raise ProtocolError(
                f"no {' and no '.join(missing)}, which auth_method {method} demands"
            )
        unwanted = [key for key in texts if key in _KEYS and key not in keys]
        if unwanted and "idtoken" not in base:
            raise ProtocolError(
                f"{', '.join(unwanted)}: not wanted by auth_method {method}"
            )
        required = [_KEYS[key] for key in keys]
        if "idtoken" in base:
            required.append("idtoken")
        tracking = texts[keys[0]] if keys else prefix
        optional = references
    return Brought(
        _ident("tracking id", tracking),
        contents,
        optional,
        reusable=names,
        values=values,
        required=tuple(required),
    )


def _choose(group: list[str], texts: Mapping[str, str]) -> str:
    """Return the word of a group that the request satisfies, or the first one."""
    if len(group) > 1:
        for word in group:
            if word == "scitoken" and "ScitokenId" in texts:
                return word
            if word in _OWN_KEYS and all(key in texts for key in _OWN_KEYS[word]):
                return word
    return group[0]


def _values(texts: Mapping[str, str], words: list[str]) -> dict[str, str]:
    values = {}
    for name in VALUES:
        if name in texts:
            if not texts[name].isprintable() or len(texts[name]) > 1024:
                raise ProtocolError(f"{name}: not one line of text")
            values[name] = texts[name]
    for word in words:
        if word in _MODIFIERS and _MODIFIERS[word] not in values:
            raise ProtocolError(f"no {_MODIFIERS[word]}, which auth_method {word} demands")
    return values


def _ident(key: str, ident: str) -> str:
    if not _IDENT.fullmatch(ident):
        raise ProtocolError(f"{key}: not an id: {ident[:80]!r}")
    return ident


# Series 3.11: objects


def _judge_objects(sealed: Sealed, method: str, passthrough: bool, prefix: str) -> Brought:
    demanded = _object("AuthSet", sealed)
    if not isinstance(demanded, Instance) or demanded.kind != "AuthenticationSet":
        raise ProtocolError("AuthSet: not a set of credential types")
    requested = _objects("RequestCredentials", sealed)
    values = _parameters(sealed)
    have = {one.kind for one in requested}
    for group in groups(method):
        if not any(_satisfied(word, have, values, passthrough) for word in group):
            raise ProtocolError(
                f"no credential for {' or '.join(group)}, which auth_method {method}"
                f" demands; there is: {', '.join(sorted(have)) or 'none'}"
            )
    contents: dict[str, Content] = {}
    for one in requested:
        purpose, private, ending = _FILES[one.kind]
        content = _content(one, ending)
        if purpose:
            contents[purpose] = content
        if private:
            half = one.state.get("private_credential")
            if not isinstance(half, Instance) or half.kind not in _FILES:
                raise ProtocolError(f"{one.kind}: without its private half")
            contents[private] = _content(half, _FILES[half.kind][2], "private_")
    count = 0
    for one in _objects("PayloadCredentials", sealed):
        content = _content(one, _FILES[one.kind][2])
        if one.kind == "IdToken" and _purpose(one)[0] == "callback":
            if "idtoken" in contents:
                raise ProtocolError("PayloadCredentials: two tokens to call back with")
            contents["idtoken"] = content
        else:
            count += 1
            contents[f"payload_{count}"] = content
    names = [content.name for content in contents.values()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ProtocolError(f"two files of one name: {twice[:80]!r}")
    return Brought(_ident("tracking id", prefix), contents, values=values)


def _satisfied(
    word: str, have: set[str], values: Mapping[str, str], passthrough: bool
) -> bool:
    if word in ("any", "voms_attr"):
        return True
    if word in _PARAMETERS:
        return _PARAMETERS[word] in values
    kind = _CLASSES.get(word)
    return kind in have or (passthrough and kind is not None and "SciToken" in have)


def _object(name: str, sealed: Sealed) -> Any:
    data = sealed.pickled.get(name)
    if data is None:
        return []
    try:
        return pickles.read(data)
    except ProtocolError as error:
        raise ProtocolError(f"{name}: {error}") from error


def _objects(name: str, sealed: Sealed) -> list[Instance]:
    found = _object(name, sealed)
    if not isinstance(found, list) or len(found) > OBJECTS_LIMIT:
        raise ProtocolError(f"{name}: not a list of at most {OBJECTS_LIMIT}")
    for one in found:
        if not isinstance(one, Instance) or one.kind not in _FILES:
            raise ProtocolError(f"{name}: holds something that is no credential")
    return found


def _parameters(sealed: Sealed) -> dict[str, str]:
    found = _object("SecurityParameters", sealed)
    if not isinstance(found, list) or len(found) > OBJECTS_LIMIT:
        raise ProtocolError(f"SecurityParameters: not a list of at most {OBJECTS_LIMIT}")
    values = {}
    for one in found:
        state = one.state if isinstance(one, Instance) else {}
        name, value = state.get("_name"), state.get("_value")
        if (
            not isinstance(name, Member)
            or name.enumeration != "ParameterName"
            or isinstance(value, bool)
            or not isinstance(value, str | int)
        ):
            raise ProtocolError("SecurityParameters: holds something that is no parameter")
        values[name.value] = str(value)
    return _values(values, [])


def _purpose(one: Instance) -> tuple[str, str]:
    """Return the purpose of an object, and how the frontend calls it."""
    purpose = one.state.get("_purpose")
    member, alias = (
        purpose if isinstance(purpose, tuple) and len(purpose) == 2 else ("", "")
    )
    if not isinstance(member, Member) or member.enumeration != "CredentialPurpose":
        raise ProtocolError(f"{one.kind}: for no purpose")
    return member.value, alias if isinstance(alias, str) and alias else member.value


def _content(one: Instance, ending: str, before: str = "") -> Content:
    data = one.state.get("_string")
    if not isinstance(data, bytes) or not 0 < len(data) <= CONTENT_LIMIT:
        raise ProtocolError(f"{one.kind}: not 1 to {CONTENT_LIMIT} bytes")
    if one.kind in _TOKENS and not is_token(data):
        raise ProtocolError(f"{one.kind}: not a token")
    path = one.state.get("path")
    base = posixpath.basename(path) if isinstance(path, str) else ""
    name = f"credential_{_purpose(one)[1]}_{before}{base or one.kind.lower()}.{ending}"
    return Content(name, data)

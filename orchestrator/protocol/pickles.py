"""Read the Python pickles that 3.11 Frontends send, without ever unpickling anything; write them.

A pickle is a program. This is a machine for the few instructions that data of theirs needs; it
imports nothing, calls nothing and knows their classes by name alone: an object becomes an
:class:`Instance`, a member of an enumeration a :class:`Member`. Any other instruction, name or
construct, and whatever is too large, is refused with a reason.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import ProtocolError

SIZE_LIMIT = 256 * 1024  # bytes
INSTRUCTIONS_LIMIT = 20_000
PROTOCOLS = range(2, 6)

_PACKAGE = "glideinwms.lib.credentials"
# By the module that the reference has them in; it also exports most from the package itself.
_CLASSES = {
    "tokens": ("Token", "SciToken", "IdToken", "GlobusComputeToken"),
    "x509": ("X509Cert", "X509Pair"),
    "rsa": ("RSAPublicKey", "RSAPrivateKey", "RSAKeyPair"),
    "symmetric": ("SymmetricKey",),
    "text": ("TextCredential", "UsernamePassword"),
    "parameters": ("IntegerParameter", "StringParameter", "ExpressionParameter"),
    "utils": ("AuthenticationSet",),
}
_ENUMERATIONS = {
    "credentials": ("CredentialType", "CredentialPairType", "CredentialPurpose"),
    "parameters": ("ParameterName", "ParameterType"),
}


@dataclass(frozen=True)
class Member:
    """A member of one of their enumerations, by its value."""

    enumeration: str
    value: str


@dataclass
class Instance:
    """An object of one of their classes: the class's name and the object's attributes."""

    kind: str
    state: dict[str, Any] = field(default_factory=dict, repr=False)  # has secrets


@dataclass(frozen=True)
class _Class:
    name: str
    enumeration: bool


def _known() -> dict[tuple[str, str], _Class]:
    known = {}
    for modules, enumeration in ((_CLASSES, False), (_ENUMERATIONS, True)):
        for module, names in modules.items():
            for name in names:
                known[f"{_PACKAGE}.{module}", name] = _Class(name, enumeration)
                known[_PACKAGE, name] = _Class(name, enumeration)
    return known


_KNOWN = _known()
_MARK = object()


def read(data: bytes) -> Any:
    """Return what a pickle of the 3.11 protocol holds: plain data, Instances and Members.

    Raises:
        ProtocolError: it is none, holds anything else, or is too large.
    """
    if len(data) > SIZE_LIMIT:
        raise ProtocolError(f"a pickle of {len(data)} bytes, more than {SIZE_LIMIT}")
    try:
        return _Machine(data).run()
    except (IndexError, struct.error) as error:
        raise ProtocolError(
            "a pickle that is cut off, or takes what is not there"
        ) from error


def write(value: Any) -> bytes:
    """Return the pickle, of protocol 4, that :func:`read` makes ``value`` of.

    Raises:
        ValueError: it holds what these pickles cannot.
    """
    return b"\x80\x04" + b"".join(_instructions(value)) + b"."


def _instructions(value: Any) -> Iterator[bytes]:
    match value:
        case None:
            yield b"N"
        case bool():
            yield b"\x88" if value else b"\x89"
        case int():
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            yield b"\x8a" + bytes((len(raw),)) + raw
        case float():
            yield b"G" + struct.pack(">d", value)
        case str():
            raw = value.encode()
            yield b"X" + struct.pack("<I", len(raw)) + raw
        case bytes():
            yield b"B" + struct.pack("<I", len(value)) + value
        case list() | tuple() | set() | frozenset():
            first, last = {
                list: (b"](", b"e"),
                tuple: (b"(", b"t"),
                set: (b"\x8f(", b"\x90"),
                frozenset: (b"(", b"\x91"),
            }[type(value)]
            yield first
            for one in value:
                yield from _instructions(one)
            yield last
        case dict():
            yield b"}("
            for key, one in value.items():
                yield from _instructions(key)
                yield from _instructions(one)
            yield b"u"
        case Member():
            yield from _instructions(_module(value.enumeration, _ENUMERATIONS))
            yield from _instructions(value.enumeration)
            yield b"\x93"
            yield from _instructions(value.value)
            yield b"\x85R"
        case Instance():
            yield from _instructions(_module(value.kind, _CLASSES))
            yield from _instructions(value.kind)
            yield b"\x93)\x81"
            yield from _instructions(value.state)
            yield b"b"
        case _:
            raise ValueError(f"not for a pickle: {type(value).__name__}")


def _module(name: str, modules: Mapping[str, tuple[str, ...]]) -> str:
    for module, names in modules.items():
        if name in names:
            return f"{_PACKAGE}.{module}"
    raise ValueError(f"not a class of theirs: {name!r}")


class _Machine:
    """The stack, the memo, and a method per instruction."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[Any] = []
        self._memo: list[Any] = []

    def run(self) -> Any:
        if self._take(1) != b"\x80" or self._take(1)[0] not in PROTOCOLS:
            raise ProtocolError(
                f"not a pickle of protocol {PROTOCOLS[0]} to {PROTOCOLS[-1]}"
            )
        for _ in range(INSTRUCTIONS_LIMIT):
            code = self._data[self._at]
            self._at += 1
            if code == 0x2E:  # STOP
                if self._at != len(self._data) or len(self._stack) != 1:
                    raise ProtocolError("a pickle with something left over")
                return self._plain(self._stack[0])
            act = _ACTS.get(code)
            if act is None:
                raise ProtocolError(f"a pickle with the instruction {bytes((code,))!r}")
            act(self)
        raise ProtocolError(f"a pickle of over {INSTRUCTIONS_LIMIT} instructions")

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise IndexError
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self, form: str) -> int:
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return int(number)

    def _plain(self, value: Any) -> Any:
        """Let a value into a container; a bare class, or a mark, is no data."""
        if value is _MARK or isinstance(value, _Class):
            raise ProtocolError("a pickle that holds a class")
        return value

    def _hashable(self, value: Any) -> Any:
        """Let a value into a set: nothing whose hash takes long, or is the sender's choice."""
        if isinstance(value, str | Member):
            return value
        raise ProtocolError(f"a pickle with a {type(value).__name__} in a set")

    def _since_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                found = self._stack[at + 1 :]
                del self._stack[at:]
                return [self._plain(one) for one in found]
        raise IndexError

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if type(top) is not kind:
            raise ProtocolError(f"a pickle that adds to a {type(top).__name__}")
        return top

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def frame(self) -> None:
        if self._number("<Q") > len(self._data) - self._at:
            raise IndexError

    def push_text(self, form: str) -> None:
        try:
            self.push(self._take(self._number(form)).decode())
        except UnicodeDecodeError as error:
            raise ProtocolError("a pickle with a text that is not UTF-8") from error

    def push_bytes(self, form: str) -> None:
        self.push(self._take(self._number(form)))

    def push_integer(self, form: str) -> None:
        self.push(self._number(form))

    def push_long(self) -> None:
        self.push(int.from_bytes(self._take(self._take(1)[0]), "little", signed=True))

    def push_float(self) -> None:
        self.push(struct.unpack(">d", self._take(8))[0])

    def memoize(self) -> None:
        self._memo.append(self._stack[-1])

    def put(self, form: str) -> None:
        # Only one after the other, as pickle writes them: no index makes the memo large.
        if self._number(form) != len(self._memo):
            raise ProtocolError("a pickle whose memo is not in order")
        self.memoize()

    def get(self, form: str) -> None:
        self.push(self._memo[self._number(form)])

    def make_tuple(self, size: int) -> None:
        if size > len(self._stack):
            raise IndexError
        made = tuple(self._plain(one) for one in self._stack[len(self._stack) - size :])
        del self._stack[len(self._stack) - size :]
        self.push(made)

    def tuple_since_mark(self) -> None:
        self.push(tuple(self._since_mark()))

    def append(self) -> None:
        value = self._plain(self._stack.pop())
        self._top(list).append(value)

    def appends(self) -> None:
        values = self._since_mark()
        self._top(list).extend(values)

    def additems(self) -> None:
        values = self._since_mark()
        self._top(set).update(map(self._hashable, values))

    def make_frozenset(self) -> None:
        self.push(frozenset(map(self._hashable, self._since_mark())))

    def setitem(self) -> None:
        value = self._plain(self._stack.pop())
        key = self._stack.pop()
        self._set(self._top(dict), key, value)

    def setitems(self) -> None:
        values = self._since_mark()
        if len(values) % 2:
            raise IndexError
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            self._set(target, key, value)

    def _set(self, target: dict[str, Any], key: Any, value: Any) -> None:
        if not isinstance(key, str):
            raise ProtocolError(f"a pickle with a {type(key).__name__} as a key")
        target[key] = value

    def stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._class(module, name)

    def line_global(self) -> None:
        module, name = self._line(), self._line()
        self._class(module, name)

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise IndexError
        line = self._data[self._at : end].decode("utf-8", "replace")
        self._at = end + 1
        return line

    def _class(self, module: object, name: object) -> None:
        known = None
        if isinstance(module, str) and isinstance(name, str):
            known = _KNOWN.get((module, name))
        if known is None:
            raise ProtocolError(f"a pickle that asks for {module!r:.80} {name!r:.80}")
        self.push(known)

    def newobj(self) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        if type(kind) is not _Class or kind.enumeration or arguments != ():
            raise ProtocolError(
                "a pickle that makes an object in another way than expected"
            )
        self.push(Instance(kind.name))

    def reduce(self) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        if type(kind) is not _Class or not kind.enumeration:
            raise ProtocolError("a pickle that calls something")
        if type(arguments) is not tuple or [type(one) for one in arguments] != [str]:
            raise ProtocolError(f"a pickle with a {kind.name} of no value")
        self.push(Member(kind.name, arguments[0]))

    def build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if type(target) is not Instance or type(state) is not dict:
            raise ProtocolError("a pickle that sets the state of something")
        if target.state:
            raise ProtocolError("a pickle that sets the state of an object twice")
        target.state = state  # not a copy: copies of one large state would fill the memory


_Act = Callable[[_Machine], None]

# By the number of the instruction; names as in Python's pickletools.
_ACTS: dict[int, _Act] = {
    0x95: _Machine.frame,
    0x4E: lambda machine: machine.push(None),
    0x88: lambda machine: machine.push(True),
    0x89: lambda machine: machine.push(False),
    0x4B: lambda machine: machine.push_integer("<B"),  # BININT1
    0x4D: lambda machine: machine.push_integer("<H"),  # BININT2
    0x4A: lambda machine: machine.push_integer("<i"),  # BININT
    0x8A: _Machine.push_long,  # LONG1
    0x47: _Machine.push_float,  # BINFLOAT
    0x8C: lambda machine: machine.push_text("<B"),  # SHORT_BINUNICODE
    0x58: lambda machine: machine.push_text("<I"),  # BINUNICODE
    0x8D: lambda machine: machine.push_text("<Q"),  # BINUNICODE8
    0x43: lambda machine: machine.push_bytes("<B"),  # SHORT_BINBYTES
    0x42: lambda machine: machine.push_bytes("<I"),  # BINBYTES
    0x8E: lambda machine: machine.push_bytes("<Q"),  # BINBYTES8
    0x5D: lambda machine: machine.push([]),
    0x7D: lambda machine: machine.push({}),
    0x8F: lambda machine: machine.push(set()),
    0x29: lambda machine: machine.push(()),
    0x28: lambda machine: machine.push(_MARK),
    0x61: _Machine.append,
    0x65: _Machine.appends,
    0x73: _Machine.setitem,
    0x75: _Machine.setitems,
    0x90: _Machine.additems,
    0x91: _Machine.make_frozenset,
    0x85: lambda machine: machine.make_tuple(1),
    0x86: lambda machine: machine.make_tuple(2),
    0x87: lambda machine: machine.make_tuple(3),
    0x74: _Machine.tuple_since_mark,
    0x94: _Machine.memoize,
    0x71: lambda machine: machine.put("<B"),  # BINPUT
    0x72: lambda machine: machine.put("<I"),  # LONG_BINPUT
    0x68: lambda machine: machine.get("<B"),  # BINGET
    0x6A: lambda machine: machine.get("<I"),  # LONG_BINGET
    0x93: _Machine.stack_global,
    0x63: _Machine.line_global,  # GLOBAL
    0x81: _Machine.newobj,
    0x52: _Machine.reduce,
    0x62: _Machine.build,
}

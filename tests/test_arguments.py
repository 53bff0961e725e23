"""What glideins are told, and that batch systems cannot bend it."""

import os
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.arguments import (
    Client,
    ClientWeb,
    Pilot,
    escape,
    glidein_arguments,
    unescape,
)
from orchestrator.share import share

PILOT = Pilot(
    verbosity="std",
    glidein="first",
    entry="north",
    schedd="schedd@factory.example.org",
    proxy="http://a:3128,http://b:3128",
    factory="Example",
    web="http://factory.example.org/stage",
    sign="11",
    sign_entry="22",
    sign_type="sha256",
    descript="description.0123456789abcdef.cfg",
    descript_entry="description.fedcba9876543210.cfg",
    work_dir="TMPDIR",
    slots_layout="partitionable",
)
WEB = ClientWeb("http://f", "33", "sha1", "d.cfg", "g", "http://f/g", "44", "e.cfg")

printable = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "))


@given(printable)
def test_what_is_escaped_comes_back(value: str) -> None:
    assert unescape(escape(value)) == value


@given(printable)
def test_an_escaped_value_is_one_plain_word(value: str) -> None:
    special = set(""" &\\|`"'=+-<>(){}[]#$*?!~:;""")
    word = escape(value)
    assert not special & set(word)
    assert not re.search(r"\s", word)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (".", ".dot,"),
        (",", ".comma,"),
        ("`", ".fork,"),
        ("'", ".singquot,"),
        ("{}", ".gopen,.gclose,"),
        ("[]", ".sopen,.sclose,"),
        ("()", ".open,.close,"),
        ("#", ".comment,"),
        ("!", ".not,"),
        ("a b", "a.nbsp,b"),
        ("%_/@^", "%_/@^"),
        ("cm.example.org:9618", "cm.dot,example.dot,org.colon,9618"),
    ],
)
def test_the_names_are_those_of_the_reference(value: str, word: str) -> None:
    assert escape(value) == word


@settings(max_examples=10, deadline=None)
@given(st.lists(printable.filter(bool), min_size=50, max_size=50))
def test_the_worker_reads_what_was_escaped(values: list[str]) -> None:
    code = (
        'source "$0/log.sh"; source "$0/config.sh"; source "$0/options.sh"\n'
        'for word; do options_decode "$word" && printf "%s\\n" "$REPLY"; done'
    )
    said = subprocess.run(
        ["bash", "-c", code, share("glidein") / "lib", *map(escape, values)],
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        timeout=60,  # seconds
        check=True,
    )
    assert said.stdout.decode().splitlines() == values


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "\0", "a\u2028b", "a\u00a0b"])
def test_what_has_no_name_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        escape(value)


def test_an_unknown_name_is_left_as_it_stands() -> None:
    assert unescape("a.b,c.dot,") == "a.b,c."


def test_the_order_is_that_of_the_reference() -> None:
    words = glidein_arguments(PILOT, Client("fe.main", "cred", WEB), {"X": "1", "Y": "2"})
    assert " ".join(words[::2]) == (
        "-v -name -entry -clientname -schedd -proxy -factory -web -sign -signentry -signtype"
        " -descript -descriptentry -dir -param_GLIDEIN_Client -submitcredid -slotslayout"
        " -clientweb -clientsign -clientsigntype -clientdescript -clientgroup -clientwebgroup"
        " -clientsigngroup -clientdescriptgroup -param_X -param_Y -cluster -subcluster"
    )
    assert words[-4:] == ["-cluster", "$(Cluster)", "-subcluster", "$(Process)"]


def test_empty_parameters_are_dropped() -> None:
    assert "-param_X" not in glidein_arguments(PILOT, Client(), {"X": ""})


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", "a;b"])
def test_a_parameter_needs_a_proper_name(name: str) -> None:
    with pytest.raises(ValueError, match="name of a parameter"):
        glidein_arguments(PILOT, Client(), {name: "1"})


@pytest.mark.parametrize("name", ["", "a b", "a'b", 'a"b', "$(x)", "a\nb", "a`b"])
def test_no_argument_can_become_two(name: str) -> None:
    with pytest.raises(ValueError, match="-submitcredid: cannot be an argument"):
        glidein_arguments(PILOT, Client("fe.main", name), {})

"""Values stay values in HTCondor's submit language, or they are refused."""

import pytest

from orchestrator.errors import SubmissionError
from orchestrator.submit import text


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("$(HOME)", "$(DOLLAR)(HOME)"),
        ("$ENV(HOME)", "$(DOLLAR)ENV(HOME)"),
        ("a\\b", "a\\b"),
        ('a "quote"', 'a "quote"'),
    ],
)
def test_plain(given: str, written: str) -> None:
    assert text.plain("x", given) == written


@pytest.mark.parametrize(
    "given",
    [
        "a\nqueue 7",
        "a\r\nb",
        "\0",
        " a",
        "a ",
        "a\\",
        "\u2028",
        "\t",
        "\x1b[0m",
        "$$(Name)",
    ],
)
def test_what_cannot_be_written_is_refused(given: str) -> None:
    with pytest.raises(SubmissionError, match=r"^x: "):
        text.plain("x", given)


def test_strings_are_quoted() -> None:
    assert text.string("x", 'a "b" \\') == '"a \\"b\\" \\"'
    assert text.string("x", "$(A)") == '"$(DOLLAR)(A)"'
    with pytest.raises(SubmissionError):
        text.string("x", "a\nb")


def test_arguments_are_words() -> None:
    words = ["plain", "two words", "it's", 'a "quote"', ""]
    assert text.arguments("x", words) == '''"plain 'two words' 'it''s' 'a ""quote""' ''"'''
    assert text.arguments("x", ["a"], " $(Process)") == '"a $(Process)"'


def test_environment() -> None:
    assert text.environment({"A": "b", "C": "d e"}) == '''"A=b 'C=d e'"'''


@pytest.mark.parametrize("path", ["a,b", 'a"b', "a\n", " a"])
def test_lists_of_files(path: str) -> None:
    assert text.files("x", ["/a b", "/c$d"]) == "/a b,/c$(DOLLAR)d"
    with pytest.raises(SubmissionError):
        text.files("x", ["/fine", path])


@pytest.mark.parametrize(
    "name", ["queue", "Queue", "a b", "", "a=b", "a\n", "if", "include", "++a"]
)
def test_only_commands_are_commands(name: str) -> None:
    with pytest.raises(SubmissionError, match="not the name of a command"):
        text.command(name, "1")


def test_a_command_is_taken_as_it_stands() -> None:
    assert text.command("+Foo", '"$(Cluster)"') == ("MY.Foo", '"$(Cluster)"')
    assert text.command("request_cpus", "8") == ("request_cpus", "8")
    for value in ("a\nqueue 7", "a\\", "a \\ "):
        with pytest.raises(SubmissionError):
            text.command("request_cpus", value)


@pytest.mark.parametrize("word", ["", "a b", "a\tb"])
def test_one_word(word: str) -> None:
    with pytest.raises(SubmissionError, match="not one word"):
        text.word("x", word)

"""The exit codes of a glidein; ``glidein/glidein_startup.sh`` has the same table in its head."""

EXITS: dict[int, str] = {
    0: "the glidein ended as it should: idle, retired, drained",
    1: "a bug in this script",
    2: "bad usage: the message names the option",
    3: "the operator's stop list told it to leave",
    10: "prepare: no work directory",
    20: "fetch: a file could not be downloaded",
    30: "verify: a file is not the one that was signed, or is unsafe",
    40: "check: this node failed a check",
    50: "condor: HTCondor could not be unpacked or does not execute here",
    60: "configure: HTCondor's configuration could not be written",
    61: "configure: a script of the areas failed",
    70: "run: HTCondor could not start",
    71: "run: HTCondor crashed",
    72: "run: HTCondor was killed",
    73: "run: the pool never saw this glidein",
    80: "report: the report could not be written",
    90: "clean: something of this glidein is left on the node",
}


def meaning(code: int) -> str:
    """Return what exit code ``code`` says; nine above a phase's code is a signal in it."""
    if code in EXITS:
        return EXITS[code]
    if code % 10 == 9 and code - 9 in EXITS:
        phase = EXITS[code - 9].split(":")[0]
        return f"{phase}: stopped by a signal"
    return "not an exit code of a glidein"

"""The page of ``glidein_startup.sh``, from its head."""

from orchestrator.manual.roff import Page
from orchestrator.share import share

_HEADS = {"Usage": "SYNOPSIS", "For people": "OPTIONS FOR PEOPLE"}


def page() -> Page:
    """Return it; each paragraph of the head is shown as it stands."""
    lines = (share("glidein") / "glidein_startup.sh").read_text().splitlines()[1:]
    head = []
    for line in lines:
        if not line.startswith("#"):
            break
        head.append(line.removeprefix("#").removeprefix(" "))
    made = Page("glidein_startup", 1, head[0].partition(" - ")[2].rstrip("."))
    block: list[str] = []
    for line in [*head[1:], "end:"]:
        title, colon, rest = line.partition(":")
        if colon and title and not line.startswith(" "):
            if block:
                made.code("\n".join(block).strip("\n"))
            block = [" " * (len(title) + 1) + rest] if rest else []
            if title != "end":
                made.heading(_HEADS.get(title, title.split(" (")[0].upper()))
        else:
            block.append(line)
    made.heading("SEE ALSO")
    made.paragraph("glidein-factory-worker-node(7), glidein-factory-exit-codes(7)")
    return made

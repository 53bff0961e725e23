"""The manual: pages made from what the code itself says, and a guide.

::

    roff.py       a page, in the language of man      commands.py   from --help of every verb
    guides.py     from guide/*.md                     settings.py   from the configuration's model
    worker.py     from the head of glidein_startup.sh

:func:`pages` makes all of them; nothing is kept that could become out of date.
"""

from orchestrator.manual import commands, guides, settings, worker
from orchestrator.manual.roff import Page


def pages() -> list[Page]:
    """Return all pages, by section and name."""
    made = [*commands.pages(), worker.page(), settings.page(), *guides.pages()]
    return sorted(made, key=lambda page: (page.section, page.name))

"""Put areas on the stage: the folder that the web server serves.

Objects come first, the description last, and nothing that is there is ever overwritten: whoever
reads the old description finds all that it names, whenever we are interrupted. A second run
finds everything in place and touches nothing.
"""

import hashlib
import logging
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import PublishError
from orchestrator.stage import area
from orchestrator.stage.area import Area, Object
from orchestrator.worktree.seen import Seen

log = logging.getLogger(__name__)

_STOP_LIST_TEXT = b"""\
# Glideins that match a line end at their start, or at their next look:
#   factory | entry NAME | frontend NAME   [now]   [# why]
# Those with jobs finish them first; with "now", jobs get what time a batch system's end would leave them.
"""


@dataclass(frozen=True)
class Publication:
    """One area, the folder it belongs into, and what of it is not there yet."""

    area: Area
    folder: Path
    missing: tuple[Object, ...]  # in the order in which they must be written

    @property
    def description(self) -> str:
        return self.area.description.name

    @property
    def files(self) -> tuple[Object, ...]:
        """All files of the area."""
        return (*self.area.objects, self.area.signature, self.area.description)


def prepare(made: Area, folder: Path, seen: Seen | None = None) -> Publication:
    """Look at what ``folder`` lacks of the area; large files only if they changed since ``seen``.

    Raises:
        PublishError: a file has the name of one of the area's, but not its content.
    """
    known = Seen() if seen is None else seen
    whole = Publication(made, folder, ())
    return replace(
        whole, missing=tuple(o for o in whole.files if not _is_there(folder, o, known))
    )


def _is_there(folder: Path, wanted: Object, seen: Seen) -> bool:
    path = folder / wanted.name
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise PublishError(f"{path}: is in the way: not a regular file")
    if found.st_size == wanted.size:
        if found.st_size > area.BUNDLE_LIMIT:
            sha256 = seen.digest(path).sha256
        else:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 == wanted.sha256:
            return True
    # Not replaced in silence: glideins and caches may already have what stands there now.
    raise PublishError(
        f"{path}: its content is not what its name says: {found.st_size} bytes, and"
        f" {wanted.size} with SHA-256 {wanted.sha256} belong there. Somebody or the disk changed"
        " it; find out why, remove it, and run this again"
    )


def carry_out(publications: Iterable[Publication]) -> None:
    """Write what is missing: the objects of all areas, then what names them.

    Raises:
        PublishError: a file changed while it was read; nothing new is visible then.
    """
    publications = list(publications)
    objects, names = disk.Batch(), disk.Batch()
    for publication in publications:
        disk.make_folder(publication.folder)
        made = publication.area
        for one in publication.missing:
            path = publication.folder / one.name
            batch = names if one in (made.signature, made.description) else objects
            if batch.add(path, one.content) != one.sha256:
                raise PublishError(
                    f"{path}: what it is made from changed meanwhile; run this again"
                )
            log.info("publish file=%s bytes=%d", path, one.size)
    objects.commit()
    names.commit()


def ensure_stop_list(stage: Path) -> None:
    """Lay out an empty stop list; one that is there is the operator's."""
    path = stage / area.STOP_LIST
    if not path.exists():
        disk.put_if_changed(path, _STOP_LIST_TEXT)

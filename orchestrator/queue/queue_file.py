"""What the daemon of an entry knows of its queue, for others to read: ``queue.json``.

:mod:`orchestrator.queue.queue_reader` writes it whenever something changed.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import FactoryError
from orchestrator.queue.queue_reader import FORMAT, STATE
from orchestrator.queue.queue_view import Glidein, State


@dataclass(frozen=True)
class KnownGlideins:
    """The glideins that are known; ``taken`` (epoch) is when that view was last fresh, 0: never.

    ``started`` is when a glidein last began to run (epoch), by its id.
    """

    taken: float = 0.0
    glideins: tuple[Glidein, ...] = ()
    started: dict[str, int] = field(default_factory=dict)


def read(folder: Path) -> KnownGlideins:
    """Return what the file in an entry's ``folder`` says; without one, nothing is known.

    Raises:
        FactoryError: it may not be read, or makes no sense.
    """
    path = folder / STATE
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT:
            raise ValueError("of another version")
        glideins, started = [], {}
        for _, began, cluster, process, state, *rest in said["glideins"]:
            one = Glidein(cluster, process, State(state), *rest)
            glideins.append(one)
            if began:
                started[one.id] = began
        return KnownGlideins(float(said["taken"]), tuple(glideins), started)
    except FileNotFoundError:
        return KnownGlideins()
    except OSError as error:
        raise FactoryError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FactoryError(f"{path}: cannot be read: {error!r:.200}") from error

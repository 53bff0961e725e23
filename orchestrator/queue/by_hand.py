"""A person orders glideins of an entry, and the entry's daemon submits them.

The order is a file in the entry's folder, and so is the answer. The daemon alone submits: what
it takes is gone from the folder before the schedd is asked, so an order is never done twice.
"""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.daemon import state_file
from orchestrator.errors import FactoryError
from orchestrator.queue.journal import new_id

ORDER, ANSWER = "by_hand.json", "by_hand.answer.json"
MOST = 20  # glideins in one order: it is for trying
_LOOK_S = 0.2


@dataclass(frozen=True)
class Order:
    """``count`` glideins for ``client``, as a Frontend's request for the entry says."""

    id: str
    client: str
    count: int
    who: str
    time: float


def give(folder: Path, client: str, count: int, who: str) -> Order:
    """Leave an order in an entry's ``folder``.

    Raises:
        FactoryError: another one waits there, or it cannot be written.
    """
    order = Order(new_id(), client, count, who, time.time())
    path = folder / ORDER
    part = folder / f".part-{order.id}"
    try:
        part.write_text(json.dumps(asdict(order)))
        part.chmod(0o644)
        os.link(part, path)  # unlike a rename, never in place of another one
    except FileExistsError as error:
        raise FactoryError(f"{path}: another order waits there: try again soon") from error
    except OSError as error:
        raise FactoryError(f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return order


def take(folder: Path) -> Order | None:
    """Return the order that waits, and take it away; None: there is none, or it makes no sense."""
    path = folder / ORDER
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    path.unlink()
    try:
        order = Order(**json.loads(text))
        sound = isinstance(order.client, str) and 0 < int(order.count) <= MOST
    except (ValueError, TypeError):
        return None
    return order if sound else None


def answer(folder: Path, order: Order, **told: Any) -> None:
    """Say what became of an order: ``clusters`` (a list), or ``problem`` (why not)."""
    state_file.write(folder / ANSWER, {"id": order.id, **told})


def wait(folder: Path, order: Order, limit_s: float) -> dict[str, Any]:
    """Return the answer to an order.

    Raises:
        FactoryError: none came; the message says whether the order was taken back in time.
    """
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        told = state_file.read(folder / ANSWER)
        if told.get("id") == order.id:
            return told
        time.sleep(_LOOK_S)
    try:
        (folder / ORDER).unlink()
    except FileNotFoundError:
        raise FactoryError(
            f"the daemon of {folder.name} took the order and has not answered after"
            f" {limit_s:.0f} s: the glideins may come; see glidein-factory queue {folder.name}"
        ) from None
    raise FactoryError(
        f"the daemon of {folder.name} did not take the order within {limit_s:.0f} s; it was"
        f" taken back, and nothing was submitted: glidein-factory why {folder.name}"
    )

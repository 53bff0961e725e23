"""How long the credentials live that Frontends brought."""

from collections.abc import Iterable

from orchestrator.deciding.request import Request
from orchestrator.explain.records import CredentialRecord

SOON_S = 86_400  # with less life than this left, a person should know


def credential(request: Request, now: float) -> CredentialRecord:
    """Return what is known of the credential of one request."""
    found = request.credentials
    return {
        "client": request.client,
        "frontend": request.frontend,
        "security_class": request.security_class,
        "identifier": found.identifier,
        "purposes": sorted(found.files),
        "expires": found.expires,
        "remaining_s": None if found.expires is None else found.expires - now,
    }


def credentials(requests: Iterable[Request], now: float) -> list[CredentialRecord]:
    """Return the credentials of ``requests``, each once, those that expire first at the top.

    Of one that entries hold in different ages, that is the shortest life.
    """
    found: dict[tuple[str, str, str], CredentialRecord] = {}
    for request in requests:
        one = credential(request, now)
        key = (one["client"], one["security_class"], one["identifier"])
        known = found.get(key)
        if known is None or _life(one) < _life(known):
            found[key] = one
    return sorted(found.values(), key=lambda one: (_life(one), one["client"]))


def _life(one: CredentialRecord) -> float:
    return float("inf") if one["expires"] is None else one["expires"]

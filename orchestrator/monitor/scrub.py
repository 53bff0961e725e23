"""Take secrets out of text that everybody may read: the logs of glideins on the page.

A job's log may hold anything, so this is a second line: operators choose what is published
(``[page]`` of ``factory.toml``), and whatever is, goes through here. Rather too much is taken out.
"""

import re

REMOVED = "[removed]"

_BLOCK = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{1,60})-----.*?(?:-----END \1-----|\Z)", re.DOTALL
)
_PATTERNS = (
    # JSON Web Tokens: SciTokens, IDTOKENS.
    re.compile(r"\beyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,2}"),
    # The secret part of an HTCondor claim id or session: <address>#time#number#secret.
    re.compile(r"(?<=#)\d+#\d+#\S+"),
    re.compile(r"(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"),
    re.compile(r"(?i)\b(?:bearer|basic|negotiate)\s+[A-Za-z0-9+/=._~-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b"),
    # Long runs of what looks random: keys, hashes that open something, encoded logs.
    re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{40,}={0,2}"),
    re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{60,}={0,2}"),
    re.compile(r"\b[0-9a-fA-F]{32,}\b"),
)
_NAMED = re.compile(
    r"(?i)([A-Za-z0-9_.-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|credential|api_?key"
    r"|private_?key|access_?key|signature|authorization|cookie)[A-Za-z0-9_.-]{0,40}"
    r"[\"']?\s*[=:]\s*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&]+)"
)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def scrub(text: str) -> str:
    """Return ``text`` without what may be a secret, and without control characters."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _BLOCK.sub(REMOVED, text)
    for pattern in _PATTERNS:
        text = pattern.sub(REMOVED, text)
    return _NAMED.sub(lambda found: found[1] + REMOVED, text)

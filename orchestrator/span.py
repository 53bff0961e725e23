"""A length of time, for a person."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """Return ``seconds`` in one or two units: 45 s, 3 min 20 s, 2 h, 1 d 4 h."""
    left = round(abs(seconds))
    sign = "-" if seconds < 0 and left else ""
    for place, (length, unit) in enumerate(_UNITS):
        if left < length:
            continue
        text = f"{left // length} {unit}"
        if place + 1 < len(_UNITS):
            finer, finer_unit = _UNITS[place + 1]
            rest = left % length // finer
            text += f" {rest} {finer_unit}" if rest else ""
        return sign + text
    return "0 s"

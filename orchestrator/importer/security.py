"""``<security>``: the factory's key, how long credentials are kept, and who may ask."""

from orchestrator.config.values import FrontendName, Name, Word
from orchestrator.importer import reference
from orchestrator.importer.reading import Reading
from orchestrator.importer.values import Fields
from orchestrator.importer.xml_file import Element

_BITS = (2048, 3072, 4096)


def read(reading: Reading) -> None:
    """Read all of it.

    Raises:
        ConfigError: a Frontend has no name, no identity, or a class no user.
    """
    element, said = reading.root.child("security"), reading.made.said
    if element is None:
        return
    fields = reading.fields(element)
    if fields.text("key_length") is not None:
        bits = fields.number("key_length")
        if bits in _BITS:
            said["keys", "bits"] = bits
        else:
            what = f"key_length: one of {', '.join(map(str, _BITS))} here, 2048 by default"
            reading.report.add("mended", fields.where, what, f'"{bits}"')
    if (kind := fields.text("pub_key")) not in (None, "RSA"):
        reading.report.add("left", fields.where, "pub_key: RSA here", f'"{kind}"')
    if fields.text("remove_old_cred_age") is not None:
        said["retention", "credential_days"] = fields.decimal("remove_old_cred_age")
    if fields.text("reuse_oldkey_onstartup_gracetime") is not None:
        grace = fields.number("reuse_oldkey_onstartup_gracetime")
        said["keys", "grace_s"] = max(0, grace)
    frontends = element.child("frontends")
    for one in frontends.children if frontends is not None else ():
        _frontend(reading, one)


def _frontend(reading: Reading, element: Element) -> None:
    fields = reading.fields(element)
    name, identity = fields.needed("name"), fields.needed("identity")
    is_one = reading.checked(FrontendName, name, fields, "name of a Frontend")
    if not is_one or not reading.checked(
        Word, identity, fields, f"identity of Frontend {name}"
    ):
        for part in element.children:
            reading.left(part, "classes of a Frontend that was left out")
        return
    classes: dict[str, str] = {}
    listed = element.child("security_classes")
    for one in listed.children if listed is not None else ():
        inner = Fields(one, reference.SECURITY_CLASS, reading.report, reading.made.remarks)
        security_class, user = inner.needed("name"), inner.needed("username")
        if reading.checked(
            FrontendName, security_class, inner, "name of a class"
        ) and reading.checked(Name, user, inner, "username"):
            classes[security_class] = user
    reading.made.frontends[name] = (identity, classes)

"""Grid types that start a virtual machine, in which a service starts the glidein: ec2, gce.

The machine finds the glidein's arguments in its user data: an INI text in base64 and, between
two lines of four ``#``, the job's own number. Only files carry secrets.
"""

import base64

from orchestrator.submit import text
from orchestrator.submit.common import Commands, Glidein

COMPRESSED = "_compressed"  # ends the name of a packed copy of a credential file


def ec2(glidein: Glidein) -> Commands:
    """Return what is special for Amazon's interface, as many clouds have it."""
    url = text.plain("gatekeeper", glidein.record.gatekeeper)
    folder = text.plain("work tree", str(glidein.places.glideins))
    job = "-cluster $(Cluster) -subcluster $(Process)"
    commands = {
        "universe": "grid",
        "grid_resource": f"ec2 {url}",
        "ec2_ami_id": text.word("VMId", glidein.need_value("VMId")),
        "ec2_instance_type": text.word("VMType", glidein.need_value("VMType")),
        "ec2_access_key_id": text.plain("key", glidein.need_file("public_key")),
        "ec2_secret_access_key": text.plain("key", glidein.need_file("private_key")),
        "ec2_keypair_file": f"{folder}/keypair.$(Cluster).$(Process).pem",
        "ec2_user_data": f"glideinwms_metadata={_metadata(glidein, 'EC2')}#### {job}####",
    }
    proxy = glidein.file("glidein_proxy")
    if proxy is not None:
        commands["ec2_user_data_file"] = text.plain("proxy", proxy + COMPRESSED)
    return commands


def gce(glidein: Glidein) -> Commands:
    """Return what is special for Google Compute Engine; ProjectId is "PROJECT ZONE"."""
    url = text.plain("gatekeeper", glidein.record.gatekeeper)
    where = [text.word("ProjectId", one) for one in glidein.need_value("ProjectId").split()]
    job = "-cluster $(Cluster) -subcluster $(Process)"
    commands = {
        "universe": "grid",
        "grid_resource": " ".join(["gce", url, *where]),
        "gce_image": text.word("VMId", glidein.need_value("VMId")),
        "gce_machine_type": text.word("VMType", glidein.need_value("VMType")),
        "gce_auth_file": text.plain("key", glidein.need_file("auth_file")),
        "gce_metadata": f"glideinwms_metadata={_metadata(glidein, 'GCE')}#### {job}####",
    }
    proxy = glidein.file("glidein_proxy")
    if proxy is not None:
        commands["gce_metadata_file"] = text.plain("proxy", proxy + COMPRESSED)
    return commands


def _metadata(glidein: Glidein, kind: str) -> str:
    lifetime_s = glidein.request.parameters.get("VM_MAX_LIFETIME", "")
    lifetime_s = lifetime_s if lifetime_s.isascii() and lifetime_s.isdigit() else "43200"
    disable = glidein.request.parameters.get("VM_DISABLE_SHUTDOWN", "").lower() == "true"
    rows = {
        "glidein_startup": {
            "args": " ".join(glidein.words),
            "idtoken_file_name": "credential_frontend.idtoken",
            "proxy_file_name": "pilot_proxy",
            "webbase": glidein.record.pilot.web,
        },
        "vm_properties": {
            "max_lifetime": lifetime_s,
            "contextualization_type": kind,
            "disable_shutdown": str(disable),
            "admin_email": "UNSUPPORTED",
            "email_logs": "False",
        },
    }
    lines = []
    for section, values in rows.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
    return base64.b64encode("\n".join([*lines, ""]).encode()).decode()

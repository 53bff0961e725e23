"""What may be a secret is taken out of logs, and what an operator needs stays."""

import pytest

from orchestrator.monitor.scrub import REMOVED, scrub

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwaWxvdCJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+abc/def==\n-----END RSA PRIVATE KEY-----"
SECRETS = [
    JWT,
    f"Authorization: Bearer {JWT}",
    PEM,
    PEM[:40] + "MIIEow",  # cut off before its end
    "https://user:hunter2@web.example.org/x",
    "curl -H 'Authorization: Basic dXNlcjpodW50ZXIy'",
    "password = hunter2",
    '{"client_secret": "hunter2 and more"}',
    "API_KEY=hunter2",
    "export X509_TOKEN='hunter2'",
    "ClaimId <192.0.2.1:9618?addrs=x>#1700000000#12#hunter2secret",
    "key AKIAIOSFODNN7EXAMPLE in use",
    "GET /f?X-Amz-Signature=hunter2&x=1",
    "A" * 64,
    "0123456789abcdef" * 2,
]
PARTS = (
    "hunter2",
    "MIIEow",
    "eyJ",
    "c2lnbmF0",
    "dXNlcjpodW50ZXIy",
    "AKIA",
    "AAAA",
    "0123456789ab",
)


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_go(text: str) -> None:
    found = scrub(f"before\n{text}\n")
    assert REMOVED in found
    assert not any(part in found for part in PARTS), found
    assert found.startswith("before\n")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T02:00:01Z ERROR disk: found 200 MB, needed 2 GB",
        "fetched http://factory.example.org/stage/entry_north/description.cfg attempts=2",
        "/srv/batch/slot-3/glide_Xy12ab/main/condor_config: line 17",
        "exit code 40: this node failed a check",
        "CCB: waiting for <192.0.2.1:9618> after 3 s; idtoken file is there",
    ],
)
def test_what_tells_of_faults_stays(text: str) -> None:
    assert scrub(text) == text


def test_no_control_characters_come_through() -> None:
    assert scrub("a\x1b[31mb\x00c\u202ed\te\r\nf") == "a[31mbcd\te\nf"

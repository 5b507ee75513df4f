"""A role in another account: assumed with its external id before the first call, through the same endpoint."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from portal.aws.session import client

ROLE = "arn:aws:iam::123456789012:role/load"


class Sts(BaseHTTPRequestHandler):
    """Answers AssumeRole and GetCallerIdentity, and keeps what it was asked."""

    asked: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        action = form["Action"][0]
        self.asked.append((action, key, form.get("ExternalId", [""])[0]))
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        inner = (
            f"<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{until}</Expiration></Credentials>"
            if action == "AssumeRole"
            else "<Account>123456789012</Account><Arn>arn:aws:sts::123456789012:assumed-role/load/x</Arn><UserId>u</UserId>"
        )
        body = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    Sts.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Sts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_role_is_assumed_once_and_its_credentials_are_used(endpoint: str) -> None:
    sts = client("sts", region="eu-central-1", endpoint_url=endpoint, role_arn=ROLE, external_id="tell-nobody")
    assert Sts.asked == []
    assert sts.get_caller_identity()["Account"] == "123456789012"
    sts.get_caller_identity()
    assert Sts.asked == [
        ("AssumeRole", "AKIAOWN", "tell-nobody"), ("GetCallerIdentity", "ASIAROLE", ""), ("GetCallerIdentity", "ASIAROLE", ""),
    ]  # fmt: skip


def test_without_a_role_the_own_credentials_are_used(endpoint: str) -> None:
    client("sts", region="eu-central-1", endpoint_url=endpoint).get_caller_identity()
    assert Sts.asked == [("GetCallerIdentity", "AKIAOWN", "")]

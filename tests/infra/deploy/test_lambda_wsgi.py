"""The function behind API Gateway, in a process of its own as on Lambda, on a real database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
PREPARE = """
from django.contrib.auth import get_user_model
from portal.models.roles import Role
from django.contrib.auth.models import Group
from portal.models import Environment, Scenario, ApiToken
for name in ("ada", "eventbridge"):
    user = get_user_model().objects.create_user(name, is_superuser=True, is_staff=True)
"""
CALL = """
import json, sys
from portal.lambda_wsgi import handler
for line in sys.stdin:
    try:
        print(json.dumps(handler(json.loads(line), None)), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
"""


def event(path: str = "/load-tests/templates", *, user: str = "", headers: dict[str, str] | None = None) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user}" if user else None
    return {
        "httpMethod": "GET", "path": path, "body": None, "isBase64Encoded": False,
        "multiValueQueryStringParameters": {"limit": ["2"]},
        "multiValueHeaders": {"Host": ["x.example"], **{name: [value] for name, value in (headers or {}).items()}},
        "requestContext": {"accountId": ACCOUNT, "identity": {"userArn": arn, "sourceIp": "203.0.113.9", "apiKeyId": "k"}},
    }  # fmt: skip


def environment(folder: Path, **more: str) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("KNOPFDRUCK_", "DJANGO_", "DATABASE_"))}
    return {**known, "KNOPFDRUCK_DATA_DIR": str(folder), "KNOPFDRUCK_PUBLIC_URL": "https://api.example", **more}


def python(program: str, env: dict[str, str], *, text: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, input=text, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One process, as one instance of the function: all calls go through it."""
    folder = tmp_path_factory.mktemp("portal")
    env = environment(folder, DATABASE_URL=f"sqlite:///{folder}/portal.sqlite3")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    subprocess.run([sys.executable, "manage.py", "catalog", "-v0"], cwd=ROOT, env=env, check=True, capture_output=True)
    subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", PREPARE], cwd=ROOT, env=env, check=True)
    detail = {"backend": "lambda", "scenario": "k6-burst", "environment": "local"}
    start = {"id": "e-1", "source": "shop.deployed", "detail": detail}
    calls = {
        "iam": event(user="ada"), "again": event(user="ada"), "stranger": event(user="eve"), "nobody": event(),
        "forged": event(headers={"X-Caller": "ada", "X-Caller-Time": "1", "X-Caller-Signature": "v1=0"}),
        "signed": event(user="ada", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x", "X-Caller": "eve"}),
        "health": event("/healthz"), "start": start, "redelivered": start,
        "bad event": {"id": "e-2", "detail": {**detail, "scenario": "missing"}},
    }  # fmt: skip
    lines = python(CALL, env, text="".join(json.dumps(call) + "\n" for call in calls.values())).splitlines()
    return dict(zip(calls, map(json.loads, lines), strict=True))


def test_a_caller_by_iam_is_the_user_of_that_name(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["iam"]["statusCode"] == 200, answers["iam"]
    assert json.loads(answers["iam"]["body"])["scenarios"]
    assert answers["again"]["statusCode"] == 200, "equal calls within a second"
    assert answers["signed"]["statusCode"] == 200, "SigV4's own header is not taken for a token"


@pytest.mark.parametrize("call", ["stranger", "nobody", "forged"])
def test_others_are_not_let_in(answers: dict[str, dict[str, Any]], call: str) -> None:
    assert answers[call]["statusCode"] == 401, answers[call]


def test_it_answers_for_https_without_redirecting(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["health"]["statusCode"] == 200, answers["health"]


def test_an_event_starts_one_run_however_often_it_comes(answers: dict[str, dict[str, Any]]) -> None:
    first, second = answers["start"], answers["redelivered"]
    assert first["statusCode"] == 202, first
    assert json.loads(first["body"])["id"] == json.loads(second["body"])["id"]


def test_an_event_that_is_refused_is_an_error_of_the_function(answers: dict[str, dict[str, Any]]) -> None:
    assert "missing" in answers["bad event"]["error"]


def test_without_a_database_the_function_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import portal.lambda_wsgi"],
        cwd=ROOT,
        env=environment(tmp_path),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DATABASE_URL is missing" in done.stderr

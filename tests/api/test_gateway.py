"""Behind API Gateway only what its authorizer signed says who calls."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from portal.core.access import Role
from portal.core.signature import sign
from tests.builders import a_run, a_user

pytestmark = pytest.mark.django_db
SECRET = "a secret that is long enough for all"
PATH = "/load-tests/templates"


@pytest.fixture(autouse=True)
def _gateway(settings: LazySettings) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, gateway_secret=SECRET))
    a_user("ada", role=Role.VIEWER)


def headers(caller: str = "ada", *, method: str = "GET", path: str = PATH, secret: str = SECRET, ago: int = 0) -> dict[str, str]:
    at = int(time.time()) - ago
    signature = sign(secret, at=at, method=method, path=path, caller=caller)
    return {"X-Caller": caller, "X-Caller-Time": str(at), "X-Caller-Signature": signature}


def get(given: dict[str, str], path: str = PATH) -> Any:
    return APIClient().get(path, headers=given)


def test_a_signed_caller_has_the_role_of_that_user() -> None:
    a_run(id="run-a")
    assert get(headers()).status_code == 200
    stop = APIClient().post(
        "/load-tests/stop", {"id": "run-a"}, format="json", headers=headers(method="POST", path="/load-tests/stop")
    )
    assert stop.status_code == 403


def test_a_plain_header_says_nothing() -> None:
    assert get({"X-Caller": "ada"}).status_code == 401


@pytest.mark.parametrize(
    "given",
    [headers(secret="x" * 32), headers(ago=3600), headers(ago=-3600), headers("nobody"), headers(path="/load-tests/stop")],
)
def test_what_is_forged_old_or_for_another_call_is_refused(given: dict[str, str]) -> None:
    assert get(given).status_code == 401


def test_without_a_secret_the_headers_are_not_looked_at(settings: LazySettings) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, gateway_secret=""))
    assert get(headers(secret="")).status_code == 401
    assert get(headers()).status_code == 401

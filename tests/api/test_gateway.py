"""Behind API Gateway only what its authorizer signed says who calls."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from rest_framework.test import APIClient

from portal.core.access import Role
from portal.core.signature import WINDOW_SECONDS, sign
from portal.models import UsedSignature
from portal.tasks import sweep
from portal.usecases.take_signature import forget_signatures, is_new
from tests.builders import a_run, a_user

pytestmark = pytest.mark.django_db
SECRET = "a secret that is long enough for all"
PATH = "/load-tests/templates"


@pytest.fixture(autouse=True)
def _gateway(settings: LazySettings) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, gateway_secret=SECRET))
    a_user("ada", role=Role.VIEWER)


def headers(
    caller: str = "ada", *, method: str = "GET", path: str = PATH, secret: str = SECRET, ago: int = 0, nonce: str = ""
) -> dict[str, str]:  # fmt: skip
    at = int(time.time()) - ago
    signature = sign(secret, at=at, method=method, path=path, caller=caller, nonce=nonce)
    found = {"X-Caller": caller, "X-Caller-Time": str(at), "X-Caller-Signature": signature}
    return {**found, "X-Caller-Nonce": nonce} if nonce else found


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


def test_a_call_that_was_overheard_cannot_be_made_again() -> None:
    run, path = a_run(id="run-a"), "/load-tests/run-a"
    given = headers(path=path)
    assert get(given, path).json()["id"] == run.id
    again = get(given, path)
    assert (again.status_code, "used before" in again.json()["detail"]) == (401, True)
    assert get(headers(path=path, ago=1), path).status_code == 200


def test_equal_calls_of_one_second_have_their_own_nonces() -> None:
    first, second = headers(nonce="a"), headers(nonce="b")
    assert [get(given).status_code for given in (first, second, first, second)] == [200, 200, 401, 401]
    forged = {**headers(nonce="c"), "X-Caller-Nonce": "d"}
    assert get(forged).status_code == 401
    assert get({name: value for name, value in headers(nonce="e").items() if name != "X-Caller-Nonce"}).status_code == 401
    assert get(headers(nonce="n" * 65)).status_code == 401


def test_what_is_forged_is_not_remembered() -> None:
    get(headers(secret="x" * 32))
    get(headers(ago=3600))
    assert not UsedSignature.objects.exists()


def test_signatures_are_forgotten_when_they_are_too_old_by_themselves() -> None:
    assert is_new("v1=a", 1000)
    forget_signatures(1000.0 + WINDOW_SECONDS)
    assert not is_new("v1=a", 1000)
    forget_signatures(1002.0 + WINDOW_SECONDS)
    assert is_new("v1=a", 1000)
    sweep()
    assert not UsedSignature.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_equal_calls_at_once_one_is_taken() -> None:
    def take(_: int) -> bool:
        try:
            return is_new("v1=same", 1000)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(20))) == 1

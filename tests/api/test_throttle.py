"""Too many calls wait: per token, in every process alike, with Retry-After; wrong tokens by address."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from portal.models import CallCount
from portal.usecases.count_call import count_call, forget_callers
from tests.builders import a_token, a_user

pytestmark = pytest.mark.django_db
PATH = "/load-tests/templates"
FOUR = range(4)
"""With two calls a minute at least one of four is too many, also when the minute changes between them."""


@pytest.fixture
def _two_a_minute(settings: LazySettings) -> None:
    config = settings.CONFIG
    settings.CONFIG = replace(config, access=replace(config.access, calls_per_minute=2))


def client(token: str) -> APIClient:
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return found


@pytest.mark.usefixtures("_two_a_minute")
def test_one_call_too_many_is_told_when_to_come_again() -> None:
    caller = client(a_token()[1])
    answers: list[Any] = [caller.get(PATH) for _ in FOUR]
    late = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(late["Retry-After"]) <= 60
    assert late["Content-Type"] == "application/problem+json"
    assert late.json()["code"] == "throttled"


@pytest.mark.usefixtures("_two_a_minute")
def test_tokens_of_one_user_count_each_for_itself() -> None:
    ada = a_user()
    first, second = (client(a_token(ada)[1]) for _ in range(2))
    assert 429 in [first.get(PATH).status_code for _ in FOUR]
    assert second.get(PATH).status_code == 200


@pytest.mark.usefixtures("_two_a_minute")
def test_guessing_tokens_is_slowed_down_by_address() -> None:
    guesser = APIClient(REMOTE_ADDR="192.0.2.66")
    guesser.credentials(HTTP_AUTHORIZATION="Bearer kd_0123456789_wrong")
    assert {guesser.get(PATH).status_code for _ in FOUR} == {401, 429}
    assert client(a_token()[1]).get(PATH).status_code == 200


def test_the_count_begins_anew_with_the_minute() -> None:
    assert [count_call("x", most=2, now=60.0) for _ in range(3)] == [None, None, 60]
    assert count_call("x", most=2, now=119.5) == 1
    assert count_call("x", most=2, now=120.0) is None


def test_callers_long_gone_are_forgotten() -> None:
    count_call("old", most=2, now=60.0)
    count_call("new", most=2, now=600.0)
    forget_callers(600.0)
    assert list(CallCount.objects.values_list("caller", flat=True)) == ["new"]

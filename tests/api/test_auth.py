from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tests.builders import a_token, a_user, an_admin

pytestmark = pytest.mark.django_db
PATH = "/load-tests/templates"


def asked(header: str) -> int:
    return APIClient().get(PATH, HTTP_AUTHORIZATION=header).status_code


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer"])
def test_a_token_lets_in(scheme: str) -> None:
    assert asked(f"{scheme} {a_token()[1]}") == 200


def test_without_a_token_the_answer_is_a_problem_that_says_how_to_get_one() -> None:
    answer = APIClient().get(PATH)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "loadtest token" in answer.json()["hint"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "Bearer kd_1_2", "Basic YTpi", "Bearer kd_ä_ö", "Bearer " + "x" * 5000]
)
def test_anything_else_does_not(header: str) -> None:
    assert asked(header) == 401


def test_an_expired_token_does_not_work() -> None:
    assert asked(f"Bearer {a_token(expires=timezone.now() - timedelta(seconds=1))[1]}") == 401


def test_a_revoked_token_does_not_work() -> None:
    assert asked(f"Bearer {a_token(revoked=True)[1]}") == 401


def test_a_token_of_a_user_who_is_gone_does_not_work() -> None:
    assert asked(f"Bearer {a_token(a_user(is_active=False))[1]}") == 401


def test_a_browser_session_is_no_token() -> None:
    browser = Client()
    browser.force_login(an_admin())
    assert browser.get(PATH).status_code == 401


def test_using_a_token_is_noted() -> None:
    row, token = a_token()
    asked(f"Bearer {token}")
    row.refresh_from_db()
    assert row.last_used is not None

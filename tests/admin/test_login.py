"""Log-ins with wrong passwords lock out the name at that address, for a while, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import an_admin

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")
PASSWORD = "a password for tests"


def enter(password: str = PASSWORD, *, username: str = "root", address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"username": username, "password": password})


@pytest.fixture(autouse=True)
def _wrong_five_times() -> None:
    an_admin()
    for _ in range(5):
        enter("a wrong password")


def test_then_the_right_password_does_not_help() -> None:
    assert enter().status_code == 429


def test_another_address_and_another_name_are_not_locked_out() -> None:
    an_admin("second")
    assert enter(address="192.0.2.2").status_code == 302
    assert enter(username="second").status_code == 302


def test_after_a_while_it_works_again() -> None:
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert enter().status_code == 302


def test_an_address_cannot_be_pretended() -> None:
    answer = Client(REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "192.0.2.99"}).post(
        LOGIN, {"username": "root", "password": PASSWORD}
    )
    assert answer.status_code == 429


def test_no_password_is_kept_with_the_attempt() -> None:
    assert "a wrong password" not in str(list(AccessAttempt.objects.values()))

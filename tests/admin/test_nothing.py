"""What does not work out is a page in the portal's own frame, in the admin; elsewhere it is problem JSON."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.access import Role
from tests.builders import a_user, an_admin

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")


def test_an_address_that_is_not_there_is_said_in_the_frame_of_the_admin(browser: Client) -> None:
    answer = browser.get("/admin/portal/nope/")
    html = answer.content.decode()
    assert answer.status_code == 404
    assert "Nothing here" in html
    assert reverse("admin:portal_run_changelist") in html, "the way on is there"


def test_what_a_role_may_not_do_is_said() -> None:
    client = Client()
    client.force_login(a_user("eve", role=Role.VIEWER, is_staff=True))
    answer = client.get(reverse("admin:portal_scenario_add"))
    assert answer.status_code == 403
    assert "Your roles do not allow this" in answer.content.decode()


def test_elsewhere_the_answer_is_a_problem() -> None:
    answer = Client().get("/nothing/like/this/at/all")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_form_without_its_mark_says_to_load_the_page_again() -> None:
    answer = Client(enforce_csrf_checks=True).post(LOGIN, {"username": "root", "password": "x"})
    assert answer.status_code == 403
    assert "Load the page again" in answer.content.decode()


def test_too_many_wrong_passwords_say_how_long_to_wait() -> None:
    an_admin()
    for _ in range(5):
        answer = Client(REMOTE_ADDR="192.0.2.1").post(LOGIN, {"username": "root", "password": "wrong"})
    assert answer.status_code == 429
    html = answer.content.decode()
    assert "Wait 15 minutes" in html
    assert reverse("admin:portal_run_changelist") not in html, "no frame of the admin for strangers"


def test_a_fault_of_ours_has_a_page_that_needs_nothing_else(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> dict[str, object]:
        raise ZeroDivisionError

    monkeypatch.setattr("portal.admin.start_page.present_start", broken)
    browser.raise_request_exception = False
    answer = browser.get(reverse("admin:index"))
    assert answer.status_code == 500
    assert "This is a fault of the portal, not yours" in answer.content.decode()

"""Refused attempts are in the audit log, each with who, from where and why, and never more than a bounded number."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core.access import ALL, Actor, Role, Scope, Way
from portal.core.errors import PlanRejected
from portal.core.recheck import plan_digest
from portal.core.run_state import RunState
from portal.models import AuditEntry, Environment, Run
from portal.models.audit import Deed
from portal.usecases.launch_run import launch_run
from portal.usecases.record_refusal import LEFT_OUT, MOST_A_MINUTE, MOST_OF_ALL, record_refusal
from portal.usecases.request_run import request_run
from tests.builders import a_request, a_run, a_scenario, a_token, a_user, an_admin, an_environment
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CI = Actor("ci", Way.TOKEN, ALL, token="ab12", ip="192.0.2.7", agent="curl/8")


def entries(deed: Deed) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(deed=deed).order_by("id"))


def test_a_token_that_may_not_do_something_is_told_with_what_it_tried() -> None:
    client = APIClient(REMOTE_ADDR="192.0.2.8")
    row, token = a_token(a_user("eve", role=Role.VIEWER), scopes=[Scope.READ])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.post("/load-tests/stop", {"all": True}, format="json").status_code == 403
    (found,) = entries(Deed.ACCESS_REFUSED)
    assert (found.who, found.token, found.ip, found.subject) == ("eve", row.public_id, "192.0.2.8", "POST /load-tests/stop")
    assert "eve may not stop runs here" in found.detail["said"]
    assert token not in str(found.detail)


def test_a_page_of_the_admin_that_is_refused_is_told() -> None:
    client, path = Client(), reverse("admin:portal_environment_add")
    client.force_login(a_user("eve", role=Role.VIEWER, is_staff=True))
    assert client.get(path).status_code == 403
    assert [(found.who, found.way, found.subject) for found in entries(Deed.ACCESS_REFUSED)] == [
        ("eve", Way.BROWSER, f"GET {path}")
    ]


def test_who_approves_their_own_run_is_told_from_the_dialog_too() -> None:
    user = an_admin()
    run = a_run(state=RunState.AWAITING_APPROVAL, requested_by=user.get_username())
    client = Client()
    client.force_login(user)
    url = reverse("admin:portal_run_approve", args=(run.id,))
    answer = client.post(url, {"digest": plan_digest(run.load_plan()), "_form_submitted": "True"})
    assert b"somebody else" in answer.content
    assert [found.subject for found in entries(Deed.ACCESS_REFUSED)] == [f"approve {run.id}"]


def test_a_guard_rail_that_refuses_is_told_and_a_slip_of_the_pen_is_not() -> None:
    a_scenario()
    an_environment(most_vus=1)
    with pytest.raises(PlanRejected):
        request_run(a_request(), Scene().parts, by=CI)
    (found,) = entries(Deed.RUN_REFUSED)
    assert (found.who, found.environment, found.subject) == ("ci", "local", "product")
    assert "virtual users" in found.detail["said"]
    assert APIClient().post("/load-tests/lambda/start", {}, format="json").status_code == 401
    assert AuditEntry.objects.count() == 1
    assert not Run.objects.exists()


def test_a_guard_rail_that_refuses_at_the_launch_is_told_of_the_run() -> None:
    a_scenario()
    environment, scene = an_environment(), Scene()
    run = request_run(a_request(), scene.parts, by=CI)
    Environment.objects.filter(pk=environment.pk).update(most_vus=1)
    for _ in range(2):
        launch_run(run.id, scene.parts)
    assert [(found.who, found.run) for found in entries(Deed.RUN_REFUSED)] == [("system", run.id)]


def test_a_lock_out_is_told_with_the_name_and_without_the_password() -> None:
    a_user("root")
    for number in range(8):
        Client(REMOTE_ADDR="192.0.2.1").post(reverse("admin:login"), {"username": "root", "password": f"wrong {number}"})
    found = entries(Deed.LOGIN_LOCKED)
    assert {(one.who, one.ip) for one in found} == {("root", "192.0.2.1")}
    assert 1 <= len(found) <= 4
    assert "wrong" not in str([one.detail for one in found])


def test_who_guesses_tokens_is_told(settings: LazySettings) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, calls_per_minute=20))
    statuses = [APIClient(REMOTE_ADDR="192.0.2.1").get("/load-tests", headers={"Authorization": "Bearer kd_x"}).status_code
                for _ in range(4)]  # fmt: skip
    assert statuses.count(429) >= 1
    assert {(one.who, one.ip) for one in entries(Deed.LOGIN_LOCKED)} == {("unknown", "192.0.2.1")}


@pytest.mark.parametrize("odd", ["\x00", "\u202e", "\ud800", "x" * 10_000, "<script>", "=cmd()"])
def test_what_strangers_write_can_be_kept(odd: str) -> None:
    record_refusal(CI, Deed.LOGIN_LOCKED, odd, subject=odd, environment=odd)
    assert AuditEntry.objects.count() == 1


def refuse(times: int, **changes: Any) -> None:
    for _ in range(times):
        record_refusal(replace(CI, **changes), Deed.ACCESS_REFUSED, "no")


def test_one_caller_fills_ten_entries_a_minute_and_the_last_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    refuse(3 * MOST_A_MINUTE)
    found = entries(Deed.ACCESS_REFUSED)
    assert len(found) == MOST_A_MINUTE
    assert [one.detail.get("note") for one in found] == [None] * (MOST_A_MINUTE - 1) + [LEFT_OUT]


def test_many_callers_together_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    for number in range(MOST_OF_ALL + 50):
        refuse(1, token=f"t{number}")
    assert AuditEntry.objects.count() == MOST_OF_ALL

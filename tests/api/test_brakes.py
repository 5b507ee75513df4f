"""Approval and the kill switch over the API and the command line."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.core.access import Role
from portal.core.run_state import RunState
from portal.models import AuditEntry, KillSwitch
from tests.builders import a_run, a_scenario, a_token, a_user, an_admin, an_environment


def caller(user: Any, scope: str = "admin") -> APIClient:
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token(user, scopes=[scope])[1]}")
    return found


@pytest.mark.django_db
def test_an_approver_releases_the_plan_that_was_read() -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL)
    approver = caller(a_user("eve", role=Role.APPROVER))
    digest = approver.get(f"/load-tests/{run.id}").json()["plan_digest"]
    wrong = approver.post(f"/load-tests/{run.id}/approve", {"digest": "0" * 64}, format="json")
    assert wrong.status_code == 409
    answer = approver.post(f"/load-tests/{run.id}/approve", {"digest": digest}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (200, "launching")
    assert approver.get(f"/load-tests/{run.id}").json()["approved_by"] == "eve"


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{}, {"digest": 5}, {"digest": "x", "force": True}])
def test_an_approval_without_a_digest_is_refused(body: dict[str, Any]) -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL)
    answer = caller(an_admin()).post(f"/load-tests/{run.id}/approve", body, format="json")
    assert answer.status_code == 400


@pytest.mark.django_db
@pytest.mark.engines
def test_the_switch_stops_all_blocks_starts_and_is_lifted() -> None:
    a_scenario()
    an_environment()
    run = a_run()
    root = caller(an_admin())
    answer = root.post("/kill-switch", {"reason": "the shop is down"}, format="json")
    assert (answer.status_code, answer.json()["on"], answer.json()["stopping"]) == (202, True, 1)
    run.refresh_from_db()
    assert run.end_reason == "stopped_by_user"
    body = {"scenario": "product", "environment": "local", "vus": 1, "duration": "1s"}
    refused = root.post("/load-tests/lambda/start", body, format="json")
    assert refused.status_code == 409
    assert "the shop is down" in refused.json()["detail"]
    assert root.delete("/kill-switch").json()["on"] is False
    assert root.post("/load-tests/lambda/start", body, format="json").status_code == 202


def test_the_command_line_flips_it_and_approves(manage: Callable[..., tuple[int, str, str]]) -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL)
    shown = manage("loadtest", "approve", run.id)[1]
    digest = shown.rstrip().rpartition(" ")[2]
    assert "released" in manage("loadtest", "approve", run.id, "--digest", digest)[1]
    code, out, _ = manage("loadtest", "kill-switch", "on", "--reason", "drill")
    assert (code, KillSwitch.objects.get().reason) == (0, "drill")
    assert "one run is stopping" in out
    assert "lifted" in manage("loadtest", "kill-switch", "off")[1]
    assert "was off" in manage("loadtest", "kill-switch", "off")[1]
    deeds = [row.deed for row in AuditEntry.objects.order_by("id")]
    assert deeds == ["run.approved", "kill_switch.on", "kill_switch.off"]
    assert json.dumps(AuditEntry.objects.get(deed="kill_switch.on").detail) == '{"reason": "drill"}'

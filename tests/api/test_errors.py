import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import Throttled

from portal.api.errors import problem_response
from portal.core.errors import (
    Conflict,
    EngineMissing,
    LaunchFailed,
    NotFound,
    PlanRejected,
    Problem,
    StoreFull,
    StoreUnavailable,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PlanRejected([Problem("vus", "Too many.", "Ask for less.")]), 400, "plan_rejected"),
        (NotFound("x"), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (Conflict("x"), 409, "conflict"),
        (StoreUnavailable("x"), 503, "store_unavailable"),
        (StoreFull("x"), 503, "store_full"),
        (EngineMissing("x", hint="Run make setup."), 503, "engine_missing"),
        (LaunchFailed("x"), 500, "launch_failed"),
        (Throttled(), 429, "throttled"),
    ],
)
def test_every_error_is_a_problem_with_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = problem_response(error, {})
    assert (answer.status_code, answer.data["status"], answer.data["code"]) == (status, status, code)
    assert set(answer.data) == {"type", "title", "status", "detail", "code", "hint", "errors"}


def test_a_refused_request_lists_every_problem_with_field_and_hint() -> None:
    answer = problem_response(PlanRejected([Problem("vus", "Too many.", "Ask for less.")]), {})
    assert answer.data["errors"] == [{"field": "vus", "message": "Too many.", "hint": "Ask for less."}]


def test_what_may_work_later_says_when_to_try_again() -> None:
    assert "Retry-After" in problem_response(StoreUnavailable("x"), {}).headers
    assert "Retry-After" not in problem_response(EngineMissing("x"), {}).headers


def test_what_nobody_expected_is_answered_without_its_text() -> None:
    answer = problem_response(ZeroDivisionError("secret"), {})
    assert answer.status_code == 500
    assert "secret" not in str(answer.data)

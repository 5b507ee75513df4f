"""What a token's scopes and environments let its holder see and do."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.core.access import Role
from portal.models import Environment, Run
from tests.builders import a_run, a_scenario, a_token, a_user, an_admin, an_environment

pytestmark = pytest.mark.django_db
BODY = {"scenario": "product", "environment": "b", "vus": 4, "duration": "10s"}


def client(user: Any = None, environments: tuple[str, ...] = (), **columns: Any) -> APIClient:
    row, token = a_token(user, everywhere=not environments, **columns)
    row.environments.set(Environment.objects.filter(name__in=environments))
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return found


@pytest.fixture
def _two_environments() -> None:
    a_scenario()
    for name in "ab":
        a_run(id=f"run-{name}", environment=an_environment(name))


@pytest.mark.usefixtures("_two_environments")
def test_a_token_of_environment_a_sees_nothing_of_b() -> None:
    limited = client(environments=("a",))
    assert limited.get("/load-tests/run-a/status").status_code == 200
    for path in ("status", "results"):
        unseen, unknown = limited.get(f"/load-tests/run-b/{path}"), limited.get(f"/load-tests/run-c/{path}")
        assert unseen.status_code == 404
        assert unseen.content == unknown.content.replace(b"run-c", b"run-b")
    assert [row["name"] for row in limited.get("/load-tests/templates").json()["environments"]] == ["a"]


@pytest.mark.usefixtures("_two_environments")
def test_it_cannot_stop_or_start_in_b_and_learns_no_name_there() -> None:
    limited = client(environments=("a",))
    assert limited.post("/load-tests/stop", {"id": "run-b"}, format="json").status_code == 404
    answer = limited.post("/load-tests/lambda/start", BODY, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "environment", "message": "There is no environment 'b'.", "hint": "Known: a."}]
    assert set(Run.objects.values_list("state", flat=True)) == {"queued"}
    assert Run.objects.count() == 2


@pytest.mark.usefixtures("_two_environments")
def test_a_key_another_used_in_b_says_nothing_about_the_run() -> None:
    Run.objects.filter(pk="run-b").update(idempotency_key="k")
    answer = client(environments=("a",)).post(
        "/load-tests/lambda/start", {**BODY, "environment": "a"}, format="json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 409
    assert "run-b" not in answer.content.decode()


@pytest.mark.usefixtures("_two_environments")
def test_a_limited_token_whose_environment_is_gone_sees_nothing() -> None:
    limited = client(environments=("a",))
    Run.objects.filter(pk="run-a").delete()
    Environment.objects.get(name="a").delete()
    assert limited.get("/load-tests/run-b/status").status_code == 404
    assert limited.get("/load-tests/templates").json()["environments"] == []


@pytest.mark.parametrize(
    ("scopes", "allowed"), [(["read"], {"GET"}), (["stop"], {"POST"}), ([], set()), (["admin"], {"GET", "POST"})]
)
def test_a_scope_allows_its_own_and_a_refusal_says_what_is_missing(scopes: list[str], allowed: set[str]) -> None:
    a_run(id="run-a")
    caller = client(an_admin(), scopes=scopes)
    answers = {
        "GET": caller.get("/load-tests/run-a/status"),
        "POST": caller.post("/load-tests/stop", {"id": "run-a"}, format="json"),
    }
    assert {method for method, answer in answers.items() if answer.status_code < 300} == allowed
    for answer in answers.values():
        if answer.status_code >= 300:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "scope" in answer.json()["hint"]


def test_a_scope_does_not_lift_its_user_above_their_role() -> None:
    a_run(id="run-a")
    caller = client(a_user("eve", role=Role.VIEWER), scopes=["admin"])
    assert caller.get("/load-tests/run-a/status").status_code == 200
    assert caller.post("/load-tests/stop", {"id": "run-a"}, format="json").status_code == 403


def test_what_may_not_be_done_is_said_before_the_body_is_read() -> None:
    answer = client(scopes=["read"]).post("/load-tests/lambda/start", data="{", content_type="application/json")
    assert answer.status_code == 403

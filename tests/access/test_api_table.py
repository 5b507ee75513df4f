"""Every URL x role x scope. A URL or a method that is not in the table fails: decide who may use it, then add it here."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.core.access import Role, Scope
from portal.models import Environment
from tests.access.addresses import addresses
from tests.builders import a_run, a_scenario, a_token, a_user, an_admin, an_ended_run, an_environment

pytestmark = pytest.mark.django_db

PUBLIC, KNOWN = "public", "known"
"""For everybody; for everybody with a valid token."""
TABLE: dict[str, tuple[str, dict[str, str]]] = {
    "runs": ("/load-tests", {"GET": "read"}),
    "stop": ("/load-tests/stop", {"POST": "stop"}),
    "templates": ("/load-tests/templates", {"GET": "read"}),
    "validate": ("/load-tests/validate", {"POST": "read"}),
    "estimate": ("/load-tests/estimate", {"POST": "read"}),
    "start": ("/load-tests/lambda/start", {"POST": "run"}),
    "run": ("/load-tests/{run}", {"GET": "read"}),
    "status": ("/load-tests/{run}/status", {"GET": "read"}),
    "results": ("/load-tests/{run}/results", {"GET": "read"}),
    "events": ("/load-tests/{run}/events", {"GET": "read"}),
    "worker-log": ("/load-tests/{run}/workers/0/log", {"GET": "read"}),
    "baseline": ("/load-tests/{run}/baseline", {"POST": "author"}),
    "compare": ("/load-tests/{run}/compare/{run}", {"GET": "read"}),
    "report-json": ("/load-tests/{run}/report.json", {"GET": "read"}),
    "report-csv": ("/load-tests/{run}/report.csv", {"GET": "read"}),
    "report-html": ("/load-tests/{run}/report.html", {"GET": "read"}),
    "report-xml": ("/load-tests/{run}/report.xml", {"GET": "read"}),
    "stop-one": ("/load-tests/{run}/stop", {"POST": "stop"}),
    "approve": ("/load-tests/{run}/approve", {"POST": "approve"}),
    "kill-switch": ("/kill-switch", {"GET": "read", "POST": "stop", "DELETE": "admin"}),
    "scenarios": ("/scenarios", {"GET": "read", "POST": "author"}),
    "scenario": ("/scenarios/product", {"GET": "read", "PATCH": "author"}),
    "versions": ("/scenarios/product/versions", {"GET": "read", "POST": "author"}),
    "version": ("/scenarios/product/versions/1", {"GET": "read"}),
    "environments": ("/environments", {"GET": "read", "POST": "admin"}),
    "environment": ("/environments/{environment}", {"GET": "read", "PUT": "admin"}),
    "check-environment": ("/environments/{environment}/check", {"POST": "admin"}),
    "badge": ("/badge/product.svg", {"GET": "read"}),
    "healthz": ("/healthz", {"GET": PUBLIC}),
    "readyz": ("/readyz", {"GET": PUBLIC}),
    "schema": ("/openapi.yaml", {"GET": PUBLIC}),
    "docs": ("/docs", {"GET": PUBLIC}),
    "metrics": ("/metrics", {"GET": "read"}),
    "nothing": ("/load-tests/a/b/c/d", dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), KNOWN)),
    "": ("/", {"GET": PUBLIC}),
}
ROLE_MAY = {
    None: set(), "viewer": {"read"}, "runner": {"read", "run", "stop"}, "author": {"read", "run", "stop", "author"},
    "approver": {"read", "stop", "approve"}, "admin": {"read", "run", "stop", "author", "approve", "admin"},
}  # fmt: skip
SCOPES: list[list[str]] = [[], *([str(scope)] for scope in Scope), ["read", "run", "stop"]]


def client(user: Any, scopes: list[str], environment: str = "") -> APIClient:
    row, token = a_token(user, scopes=scopes, everywhere=not environment)
    row.environments.set(Environment.objects.filter(name=environment))
    found = APIClient(REMOTE_ADDR="192.0.2.8")
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return found


def ask(caller: APIClient, method: str, path: str) -> int:
    answer = caller.generic(method, path, data="" if method == "GET" else "{}", content_type="application/json")
    return int(answer.status_code)


def allowed(need: str, role: str | None, scopes: list[str]) -> bool:
    if need in (PUBLIC, KNOWN):
        return True
    return need in ROLE_MAY[role] and (need in scopes or "admin" in scopes)


def test_the_table_has_every_address_and_every_method_of_the_api() -> None:
    found = {address.name: address.methods() for address in addresses() if not address.in_admin and address.name in TABLE}
    names = {address.name for address in addresses() if not address.in_admin}
    assert names == set(TABLE)
    for name, methods in found.items():
        if name:
            assert set(methods) == set(TABLE[name][1]), name


@pytest.mark.parametrize("role", [None, *Role])
def test_who_may_do_what(role: Role | None) -> None:
    a_scenario()
    run = an_ended_run(environment=an_environment())
    user = a_user("eve", role=role)
    wrong = []
    for scopes in SCOPES:
        caller = client(user, scopes)
        for name, (path, needs) in TABLE.items():
            for method, need in needs.items():
                status = ask(caller, method, path.format(run=run.id, environment="local"))
                if (status != 403) != allowed(need, role, scopes) or status in (401, 500):
                    wrong.append(f"{method} {name} with {scopes}: {status}")
    assert not wrong


@pytest.mark.parametrize("name", TABLE)
def test_strangers_reach_only_what_is_public(name: str) -> None:
    a_scenario()
    path, needs = TABLE[name]
    for method, need in needs.items():
        status = ask(APIClient(REMOTE_ADDR="192.0.2.8"), method, path.format(run="x", environment="x"))
        # A badge of a scenario that is not public is not there, for strangers.
        expected = {404} if name == "badge" else {401}
        assert (status not in (401, 403, 404)) if need == PUBLIC else (status in expected), method


def test_whatever_has_run_or_environment_in_its_address_is_not_there_for_a_token_of_another() -> None:
    run = a_run(environment=an_environment("b"))
    an_environment("a")
    caller = client(an_admin(), ["admin"], environment="a")
    for name, (path, needs) in TABLE.items():
        if "{" in path:
            for method in needs:
                assert ask(caller, method, path.format(run=run.id, environment="b")) == 404, name
    run.refresh_from_db()
    assert (run.state, Environment.objects.count()) == ("queued", 2)


def test_lists_and_commands_for_many_leave_out_what_is_another_environments() -> None:
    mine, other = a_run(environment=an_environment("a")), a_run(environment=an_environment("b"))
    caller = client(an_admin(), ["admin"], environment="a")
    assert [row["id"] for row in caller.get("/load-tests").json()["runs"]] == [mine.id]
    assert [row["name"] for row in caller.get("/environments").json()["environments"]] == ["a"]
    assert caller.get("/load-tests", {"environment": "b"}).json()["runs"] == []
    stopped = caller.post("/load-tests/stop", {"all": True}, format="json").json()["runs"]
    assert [row["id"] for row in stopped] == [mine.id]
    named = caller.post("/load-tests/stop", {"ids": [other.id]}, format="json").json()["runs"]
    assert [row["outcome"] for row in named] == ["not_found"]
    for word in ("start", "estimate"):
        path = "/load-tests/lambda/start" if word == "start" else "/load-tests/estimate"
        body = {"scenario": "product", "environment": "b", "vus": 1, "duration": "1s"}
        answer = caller.post(path, body if word == "start" else {**body, "backend": "lambda"}, format="json")
        assert answer.status_code == 400, word
        assert "'b'" in answer.content.decode()
    assert caller.post("/environments", {"name": "c"}, format="json").status_code in (400, 403)
    assert not Environment.objects.filter(name="c").exists()

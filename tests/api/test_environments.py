import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.admin.environment_form import EnvironmentForm
from portal.core.drafts import ENVIRONMENT_FIELDS
from portal.models import Environment
from tests.builders import a_token, a_user, an_environment

pytestmark = pytest.mark.django_db
BODY = {"name": "staging", "targets": {"product": "https://staging.example"}, "most_vus": 50}


def test_an_administrator_makes_an_environment(keeper: APIClient) -> None:
    answer = keeper.post("/environments", BODY, format="json")
    assert (answer.status_code, answer["Location"]) == (201, "http://127.0.0.1:8000/environments/staging")
    assert keeper.get("/environments/staging").json()["most_vus"] == 50


def test_a_name_that_is_taken_is_a_conflict(keeper: APIClient) -> None:
    an_environment("staging")
    answer = keeper.post("/environments", BODY, format="json")
    assert (answer.status_code, Environment.objects.count()) == (409, 1)


def test_a_put_replaces_everything_but_the_name(keeper: APIClient) -> None:
    an_environment("staging", most_rate=5)
    body = {"targets": {"user": "http://127.0.0.1:1"}}
    found = keeper.put("/environments/staging", body, format="json").json()
    assert (found["name"], found["targets"], found["most_rate"]) == ("staging", body["targets"], None)


@pytest.mark.parametrize("fixture", ["api", "author"])
def test_nobody_else_changes_environments(request: pytest.FixtureRequest, fixture: str) -> None:
    client = request.getfixturevalue(fixture)
    an_environment("staging", most_vus=7)
    assert client.post("/environments", {**BODY, "name": "other"}, format="json").status_code == 403
    assert client.put("/environments/staging", BODY, format="json").status_code == 403
    assert list(Environment.objects.values_list("name", "most_vus")) == [("staging", 7)]


def test_a_limited_token_sees_its_own_environments_only() -> None:
    mine = an_environment("mine")
    an_environment("other")
    row, token = a_token(a_user(), everywhere=False)
    row.environments.add(mine)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert [found["name"] for found in client.get("/environments").json()["environments"]] == ["mine"]
    assert client.get("/environments/other").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"name": "A"}, {"name": ""}, {"targets": ["x"]}, {"targets": {"p": "file:///etc"}}, {"most_vus": -1}, {"typo": 1}],
)
def test_a_wrong_environment_is_refused(keeper: APIClient, wrong: dict[str, Any]) -> None:
    answer = keeper.post("/environments", {**BODY, **wrong}, format="json")
    assert (answer.status_code, Environment.objects.count()) == (400, 0)


EVERYTHING: dict[str, Any] = {
    "description": "For the shop", "place": "aws", "aws": {"region": "eu-central-1", "bucket": "results-1"},
    "targets": {"product": "https://staging.example"},
    "parameters": {"LANGUAGE": "de"}, "secrets": {"API_KEY": "env:KNOPFDRUCK_SECRET_API_KEY"},
    "thresholds": {"checks": ["rate>0.99"]}, "most_vus": 50, "most_rate": 20, "longest_seconds": 600,
    "allowed_hosts": ["*.test.example.com"], "allowed_networks": ["10.20.0.0/16"], "most_runs": 2, "most_cost": 12.5,
    "most_cost_a_month": 100.0, "allowed_hours": ["mon-fri 20:00-06:00"], "timezone": "Europe/Berlin",
    "freezes": [{"start": "2026-11-27T00:00:00+00:00", "end": "2026-11-30T00:00:00+00:00", "reason": "the sale"}],
    "requires_approval": True, "health_path": "/healthz",
}  # fmt: skip


def without_guard_rails() -> dict[str, Any]:
    empty = {name: type(value)() for name, value in EVERYTHING.items() if isinstance(value, (str, list, dict))}
    limits = {name: None for name, value in EVERYTHING.items() if type(value) in (int, float)}
    return {**empty, **limits, "place": "local", "timezone": "UTC", "requires_approval": False}


def test_every_guard_rail_is_set_and_shown_and_a_put_without_it_takes_it_away(keeper: APIClient) -> None:
    assert set(EVERYTHING) == {*ENVIRONMENT_FIELDS} - {"name"}
    made = keeper.post("/environments", {"name": "staging", **EVERYTHING}, format="json").json()
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert Environment.objects.get().guard().approval
    again = keeper.put("/environments/staging", EVERYTHING, format="json").json()
    assert {**again, "updated": made["updated"]} == made
    bare = keeper.put("/environments/staging", {}, format="json").json()
    assert {name: bare[name] for name in EVERYTHING} == without_guard_rails()


def as_typed(body: dict[str, Any]) -> dict[str, Any]:
    """A body as somebody types it into the admin's form."""
    lines = {name: "\n".join(value) for name, value in body.items() if name.startswith("allowed")}
    return {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in body.items()} | lines


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_hosts", ["*.com"]), ("allowed_networks", ["10.0.0.0/33"]), ("allowed_hours", ["never"]),
        ("timezone", "Mars/Base"), ("health_path", "healthz"),
        ("freezes", [{"start": "2026-11-27", "end": "2026-11-28"}]), ("most_vus", 0),
        ("most_runs", -1), ("most_cost", -0.5), ("longest_seconds", "soon"), ("secrets", {"API_KEY": "hunter2"}),
        ("parameters", {"PATH": "/tmp"}),
        ("aws", {"region": "mars", "bucket": "results-1"}), ("thresholds", {"checks": ["rate>"]}), ("place", "moon"),
    ],
)  # fmt: skip
def test_a_guard_rail_the_admins_form_refuses_is_refused_here_too(keeper: APIClient, name: str, value: Any) -> None:
    answer = keeper.post("/environments", {"name": "staging", **EVERYTHING, name: value}, format="json")
    assert (answer.status_code, {item["field"].split(".")[0] for item in answer.json()["errors"]}) == (400, {name})
    assert set(EnvironmentForm(as_typed({"name": "staging", **EVERYTHING, name: value})).errors) == {name}


def test_an_environment_in_aws_says_where_and_is_read_back(keeper: APIClient) -> None:
    place = {"region": "eu-central-1", "bucket": "results-1", "subnets": ["subnet-a"]}
    answer = keeper.post("/environments", {**BODY, "place": "aws", "aws": place}, format="json")
    assert (answer.status_code, answer.json()["aws"]) == (201, place)


@pytest.mark.parametrize(
    "wrong",
    [{"place": "aws"}, {"place": "aws", "aws": {"region": "mars"}}, {"aws": {"region": "eu-central-1", "bucket": "results-1"}}],
)
def test_a_place_in_aws_that_does_not_fit_is_refused(keeper: APIClient, wrong: dict[str, Any]) -> None:
    answer = keeper.post("/environments", {**BODY, **wrong}, format="json")
    assert (answer.status_code, [problem["field"] for problem in answer.json()["errors"]]) == (400, ["aws"])


def test_the_connection_of_an_environment_is_tested_by_an_administrator(keeper: APIClient, api: APIClient) -> None:
    an_environment("staging")
    answer = keeper.post("/environments/staging/check")
    assert answer.json() == {
        "environment": "staging", "fine": True,
        "findings": [{"what": "place", "fine": True, "words": "Workers run on this machine."}],
    }  # fmt: skip
    assert api.post("/environments/staging/check").status_code == 403
    assert keeper.post("/environments/none/check").status_code == 404

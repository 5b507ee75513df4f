from typing import Any

import pytest
from rest_framework.test import APIClient

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

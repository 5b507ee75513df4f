from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.models import Scenario, ScenarioVersion
from tests.api.conftest import queries
from tests.builders import K6_SCRIPT, a_scenario, a_source, a_version

pytestmark = pytest.mark.django_db
BODY = {"name": "product", "engine": "k6", "script": K6_SCRIPT, "files": {"data/users.csv": "YQpi"}, "title": "Product"}


def posted(client: APIClient, path: str, **fields: Any) -> Any:
    return client.post(path, fields, format="json")


@pytest.mark.engines
def test_a_scenario_is_made_with_its_first_version(author: APIClient) -> None:
    answer = posted(author, "/scenarios", **BODY)
    assert answer.status_code == 201, answer.content
    assert answer["Location"].endswith("/scenarios/product/versions/1")
    found = author.get("/scenarios/product/versions/1").json()
    assert (found["script"], found["files"], found["author"]) == (K6_SCRIPT, {"data/users.csv": "YQpi"}, "grace")
    assert found["thresholds"] == ["http_req_duration p(95)<300"]
    assert author.get("/scenarios/product").json()["version"] == 1


@pytest.mark.engines
def test_a_changed_script_is_the_next_version_and_an_equal_one_is_none(author: APIClient) -> None:
    a_scenario()
    again = posted(author, "/scenarios/product/versions", script=K6_SCRIPT)
    assert (again.status_code, again.json()["number"]) == (200, 1)
    changed = posted(author, "/scenarios/product/versions", script=K6_SCRIPT + "\n// changed\n")
    assert (changed.status_code, changed.json()["number"]) == (201, 2)
    numbers = [row["number"] for row in author.get("/scenarios/product/versions").json()["versions"]]
    assert numbers == [2, 1]


@pytest.mark.engines
def test_a_script_the_engine_does_not_take_is_refused_in_its_words(author: APIClient) -> None:
    answer = posted(author, "/scenarios", **{**BODY, "script": "export default function () {"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_script")
    assert not Scenario.objects.exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\..\\b", "data/\u0000x"])
def test_file_names_that_lead_out_are_refused(author: APIClient, name: str) -> None:
    answer = posted(author, "/scenarios", **{**BODY, "files": {name: ""}})
    assert answer.status_code == 400
    assert not Scenario.objects.exists()


def test_who_may_only_run_saves_nothing(api: APIClient) -> None:
    a_scenario()
    for answer in (
        posted(api, "/scenarios", **BODY),
        posted(api, "/scenarios/product/versions", script="x"),
        api.patch("/scenarios/product", {"title": "x"}, format="json"),
    ):
        assert answer.status_code == 403
    assert ScenarioVersion.objects.count() == 1


def test_a_scenario_is_changed_beside_its_script(author: APIClient) -> None:
    a_scenario()
    answer = author.patch("/scenarios/product", {"title": "Shelf", "archived": True, "public": True}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["title"], answer.json()["archived"], answer.json()["public"]) == ("Shelf", True, True)
    assert author.get("/scenarios").json()["scenarios"] == []
    assert len(author.get("/scenarios?archived=true").json()["scenarios"]) == 1


def test_pages_of_scenarios_and_versions_go_on(api: APIClient) -> None:
    for name in ("c", "a", "b"):
        scenario = a_scenario(name)
    for number in (2, 3):
        a_version(scenario, a_source(f"// {number}"), number)
    first = api.get("/scenarios?limit=2").json()
    assert [row["name"] for row in first["scenarios"]] == ["a", "b"]
    second = api.get(first["next"]).json()
    assert ([row["name"] for row in second["scenarios"]], second["next"]) == (["c"], None)
    newest = api.get("/scenarios/b/versions?limit=2").json()
    assert [row["number"] for row in newest["versions"]] == [3, 2]
    assert [row["number"] for row in api.get(newest["next"]).json()["versions"]] == [1]


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(api: APIClient) -> None:
    a_scenario("first")
    few = queries(api, "/scenarios")
    for number in range(10):
        a_scenario(f"s{number}")
    assert queries(api, "/scenarios") == few


@pytest.mark.parametrize(
    "path",
    ["/scenarios/nope", "/scenarios/%00", "/scenarios/NOPE%27--", "/scenarios/nope/versions", "/scenarios/product/versions/2",
     "/scenarios/product/versions/" + "9" * 40, "/scenarios/product/versions/x", "/scenarios/a/b/c/d"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(api: APIClient, path: str) -> None:
    a_scenario()
    answer = api.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")

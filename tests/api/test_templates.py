from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.core.request import parse_request
from tests.builders import K6_SCRIPT, a_scenario, a_source, a_version, an_environment

pytestmark = pytest.mark.django_db


def scenarios(api: APIClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/load-tests/templates").json()["scenarios"]
    return found


def test_templates_list_what_can_be_started_with_an_example_that_is_valid(api: APIClient) -> None:
    a_scenario(description="Leaf through.")
    an_environment()
    (row,) = scenarios(api)
    assert (row["name"], row["engine"], row["version"], row["description"]) == ("product", "k6", 1, "Leaf through.")
    assert row["backends"] == ["lambda", "fargate", "ec2"]
    assert row["load"] == {"duration": "1s", "peak_vus": 2, "most_workers": 2, "scenarios": ["default"]}
    assert row["thresholds"] == ["http_req_duration p(95)<300"]
    example = row["start"][0]
    assert parse_request(example["body"], backend="lambda").scenario == "product"
    assert example["path"] == "/load-tests/lambda/start"


def test_parameters_are_what_the_script_reads_of_its_own(api: APIClient) -> None:
    a_scenario(source=a_source(K6_SCRIPT + "\nconst t = __ENV.THINK_FACTOR || __ENV['LANGUAGE'];"))
    assert scenarios(api)[0]["parameters"] == ["LANGUAGE", "THINK_FACTOR"]


def test_only_the_newest_version_is_listed_and_archived_scenarios_are_not(api: APIClient) -> None:
    a_version(a_scenario(), number=2)
    a_scenario("old", archived=True)
    assert [(row["name"], row["version"]) for row in scenarios(api)] == [("product", 2)]


def test_environments_are_listed_without_the_values_of_their_parameters(api: APIClient) -> None:
    an_environment(parameters={"LANGUAGE": "de"})
    (row,) = api.get("/load-tests/templates").json()["environments"]
    assert row["name"] == "local"
    assert row["parameters"] == ["LANGUAGE"]


def test_an_artillery_scenario_is_not_offered_on_lambda(api: APIClient) -> None:
    a_scenario("journey", source=a_source("config: {}", engine="artillery", file="journey.yml"))
    (row,) = scenarios(api)
    assert row["backends"] == ["fargate", "ec2"]
    assert "rate" in row["start"][0]["body"]

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal import queue
from portal.models import Run
from tests.builders import a_scenario, an_environment

pytestmark = [pytest.mark.django_db, pytest.mark.engines]
BODY = {"backend": "fargate", "scenario": "product", "environment": "local", "vus": 60, "duration": "30m", "workers": 2}


@pytest.fixture(autouse=True)
def _stored() -> None:
    a_scenario()
    an_environment()


def asked(api: APIClient, path: str, **fields: Any) -> Any:
    answer = api.post(f"/load-tests/{path}", {**BODY, **fields}, format="json")
    assert Run.objects.count() == queue.waiting() == 0
    return answer


def test_a_valid_request_says_what_would_run_and_starts_nothing(api: APIClient) -> None:
    answer = asked(api, "validate")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["valid"], found["workers"], found["duration_seconds"]) == (True, 2, 1800.0)
    assert found["thresholds"] == ["http_req_duration p(95)<300"]
    assert found["load"] == "60 virtual users for 30m"


@pytest.mark.parametrize("path", ["validate", "estimate"])
@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"vus": 0}, "vus"), ({"scenario": "nope"}, "scenario"), ({"backend": "lambda", "duration": "20m"}, "duration"),
     ({"backend": "azure"}, "backend"), ({"backend": 3}, "backend"), ({"typo": 1}, "typo")],
)  # fmt: skip
def test_what_a_start_would_refuse_is_refused_with_the_same_words(
    api: APIClient, path: str, wrong: dict[str, Any], field: str
) -> None:
    answer = asked(api, path, **wrong)
    assert answer.status_code == 400
    assert [item["field"] for item in answer.json()["errors"]] == [field]


def test_an_estimate_tells_workers_users_cost_with_the_day_of_its_prices_and_quotas(api: APIClient) -> None:
    found = asked(api, "estimate").json()
    assert (found["workers"], found["vus"], found["vu_hours"], found["duration"]) == (2, 60, 30.0, "30m")
    cost = found["cost"]
    assert 0 < cost["low"] < cost["likely"] < cost["high"]
    assert (cost["currency"], cost["prices_from"], cost["billed"]) == ("USD", "2026-03-10", False)
    assert found["quotas"][0]["used"] == 4

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal import queue
from portal.models import Run
from tests.builders import a_scenario, an_environment

pytestmark = [pytest.mark.django_db, pytest.mark.engines]
BODY = {"scenario": "product", "environment": "local", "vus": 4, "duration": "10s"}


@pytest.fixture(autouse=True)
def _stored() -> None:
    a_scenario()
    an_environment()


def start(api: APIClient, backend: str = "lambda", key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(f"/load-tests/{backend}/start", {**BODY, **fields}, format="json", headers=headers)


def fields_of(answer: Any) -> set[str]:
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return {item["field"] for item in answer.json()["errors"]}


@pytest.mark.parametrize("backend", ["lambda", "fargate", "ec2"])
def test_a_start_is_answered_at_once_with_where_to_look(api: APIClient, backend: str) -> None:
    answer = start(api, backend, workers=2)
    assert answer.status_code == 202
    found = answer.json()
    run = Run.objects.get(pk=found["id"])
    assert (run.state, run.backend, run.requested_by, run.workers) == ("queued", backend, "ada", 2)
    assert answer["Location"] == found["status_url"]
    assert answer["Retry-After"]
    assert found["results_url"].endswith(f"/load-tests/{run.id}/results")
    assert (found["workers"], found["duration_seconds"]) == (2, 10.0)


def test_what_is_done_about_lost_workers_is_asked_per_run(api: APIClient) -> None:
    found = start(api, on_worker_loss="replace").json()
    assert Run.objects.get(pk=found["id"]).load_plan().on_worker_loss == "replace"
    refused = start(api, on_worker_loss="retry")
    assert (refused.status_code, refused.json()["errors"][0]["hint"]) == (400, "Write continue, replace or abort.")


def test_the_launch_is_enqueued_with_the_row(api: APIClient) -> None:
    start(api)
    assert queue.waiting() == 1


def test_the_same_key_starts_one_run(api: APIClient) -> None:
    first, second = start(api, key="k-1"), start(api, key="k-1")
    assert first.json()["id"] == second.json()["id"]
    assert Run.objects.count() == 1
    assert queue.waiting() == 1


def test_the_same_key_with_another_body_is_a_conflict(api: APIClient) -> None:
    start(api, key="k-1")
    answer = start(api, key="k-1", vus=5)
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"


def test_a_key_that_is_too_long_is_refused(api: APIClient) -> None:
    assert fields_of(start(api, key="k" * 201)) == {"Idempotency-Key"}


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"scenario": "nope"}, {"scenario"}),
        ({"environment": "nope"}, {"environment"}),
        ({"vus": 0}, {"vus"}),
        ({"vus": -3, "duration": "10 parsecs"}, {"vus", "duration"}),
        ({"workers": 5}, {"workers"}),
        ({"duration": "20m"}, {"duration"}),
        ({"typo": 1}, {"typo"}),
        ({"version": 9}, {"version"}),
        ({"targets": {"product": "ftp://x"}}, {"targets"}),
        ({"parameters": {"K6_OUT": "x"}}, {"parameters"}),
        ({"thresholds": {"http_req_duration": ["p(95)<"]}}, {"thresholds"}),
        ({"rate": 5}, {"rate"}),
        ({"stages": ["10s:5"]}, {"vus", "duration"}),
    ],
)
def test_a_wrong_request_is_refused_with_field_and_hint_before_anything_starts(
    api: APIClient, wrong: dict[str, Any], fields: set[str]
) -> None:
    assert fields_of(start(api, **wrong)) == fields
    assert Run.objects.count() == 0
    assert queue.waiting() == 0


def test_a_request_without_scenario_and_environment_names_both(api: APIClient) -> None:
    answer = api.post("/load-tests/lambda/start", {}, format="json")
    assert fields_of(answer) == {"scenario", "environment"}


def test_an_unknown_backend_is_not_found(api: APIClient) -> None:
    answer = start(api, "azure")
    assert answer.status_code == 404
    assert "fargate" in answer.json()["hint"]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '"x"', '{"vus": NaN}', '{"note": "\\ud800"}', '{"note": "\\u0000"}', "[" * 100_000,
     '{"targets": ' * 25 + "1" + "}" * 25, '{"vus": 1' + "0" * 5000 + "}", b"\xff\xfe{}"],
)  # fmt: skip
def test_a_body_that_is_no_request_is_a_problem_never_a_crash(api: APIClient, body: Any) -> None:
    answer = api.post("/load-tests/lambda/start", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_a_body_of_more_than_a_mebibyte_is_too_large(api: APIClient) -> None:
    answer = start(api, note="x" * (1 << 20))
    assert answer.status_code == 413
    assert answer.json()["status"] == 413


def test_another_content_type_is_not_supported(api: APIClient) -> None:
    answer = api.post("/load-tests/lambda/start", data="a=b", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert "application/json" in answer.json()["hint"]


def test_reading_where_one_starts_is_not_allowed(api: APIClient) -> None:
    answer = api.get("/load-tests/lambda/start")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"

import pytest
from rest_framework.test import APIClient

from tests.builders import a_run, an_ended_run, an_environment

pytestmark = pytest.mark.django_db


def outcomes(api: APIClient, **body: object) -> dict[str, str]:
    answer = api.post("/load-tests/stop", body, format="json")
    assert answer.status_code == 202, answer.content
    return {row["id"]: row["outcome"] for row in answer.json()["runs"]}


def test_a_run_is_stopped_by_its_own_address_with_or_without_a_body(api: APIClient) -> None:
    first, second = a_run(), a_run()
    assert api.post(f"/load-tests/{first.id}/stop").status_code == 202
    answer = api.post(f"/load-tests/{second.id}/stop", {"hard": True}, format="json")
    assert answer.json()["state"] == "collecting"
    first.refresh_from_db()
    assert (first.state, first.end_reason, first.stop_requested_by) == ("collecting", "stopped_by_user", "ada")


def test_stopping_by_address_may_be_repeated(api: APIClient) -> None:
    run = an_ended_run()
    for _ in range(2):
        assert api.post(f"/load-tests/{run.id}/stop").json()["end_reason"] == "completed"


def test_several_runs_are_answered_one_by_one_and_each_once(api: APIClient) -> None:
    alive, over = a_run(), an_ended_run()
    said = outcomes(api, ids=[alive.id, over.id, "nope", alive.id])
    assert said == {alive.id: "stopping", over.id: "already_over", "nope": "not_found"}
    assert outcomes(api, ids=[alive.id]) == {alive.id: "already_over"}


def test_an_environment_stops_its_own_runs_only(api: APIClient) -> None:
    mine, other = a_run(), a_run(environment=an_environment("staging"))
    assert outcomes(api, environment="staging") == {other.id: "stopping"}
    mine.refresh_from_db()
    assert mine.state == "queued"


def test_all_stops_whatever_has_not_ended(api: APIClient) -> None:
    first, second = a_run(), a_run(environment=an_environment("staging"))
    an_ended_run()
    assert outcomes(api, all=True) == {first.id: "stopping", second.id: "stopping"}


def test_nothing_to_stop_is_fine(api: APIClient) -> None:
    assert outcomes(api, all=True) == {}
    assert outcomes(api, environment="nowhere") == {}


@pytest.mark.parametrize(
    "body",
    [
        {"ids": []}, {"ids": "x"}, {"ids": [1]}, {"ids": ["x"] * 1001}, {"ids": ["x"], "all": True}, {"all": False},
        {"all": "yes"}, {"environment": ""}, {"environment": 3}, {"id": "x", "environment": "y"}, {"hard": True},
    ],
)  # fmt: skip
def test_a_stop_that_does_not_say_what_stops_nothing(api: APIClient, body: dict[str, object]) -> None:
    run = a_run()
    answer = api.post("/load-tests/stop", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"]
    run.refresh_from_db()
    assert run.state == "queued"


def test_stopping_an_unknown_run_by_address_is_not_found(api: APIClient) -> None:
    assert api.post("/load-tests/nope/stop").status_code == 404


@pytest.mark.parametrize("body", [{"hard": 1}, {"id": "x"}])
def test_the_body_of_a_stop_by_address_is_checked(api: APIClient, body: dict[str, object]) -> None:
    assert api.post(f"/load-tests/{a_run().id}/stop", body, format="json").status_code == 400

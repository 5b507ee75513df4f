import pytest
from rest_framework.test import APIClient

from portal.core.run_state import EndReason
from portal.core.verdict import Outcome
from portal.models import Run
from tests.builders import a_run, an_ended_run, live_progress

pytestmark = pytest.mark.django_db


def test_the_status_of_a_running_run_shows_its_progress(api: APIClient) -> None:
    run = a_run(state="running", progress=live_progress())
    found = api.get(f"/load-tests/{run.id}/status").json()
    assert found["state"] == "running"
    assert found["verdict"] is None
    assert found["progress"]["requests"] == 1824
    assert found["workers"] == {"planned": 2, "ready": 0, "running": 2, "done": 0, "lost": 0}
    assert found["thresholds"] == [{"text": "http_req_duration p(95)<300", "observed": 48.9, "passed": True,
                                    "window": {"from": 0, "to": 12}, "evidence": None}]  # fmt: skip
    assert found["planned_seconds"] == 10


def test_the_status_of_a_queued_run_is_complete_though_nothing_is_known(api: APIClient) -> None:
    found = api.get(f"/load-tests/{a_run().id}/status").json()
    assert (found["state"], found["elapsed_seconds"], found["started"], found["progress"]) == ("queued", 0, None, {})
    assert found["thresholds"] == [{"text": "http_req_duration p(95)<300", "observed": None, "passed": None, "window": None,
                                    "evidence": None}]  # fmt: skip


@pytest.mark.parametrize("progress", [{"workers": None}, {"workers": {}, "thresholds": None}, {"second": 1}, {"thresholds": [3]}])
def test_progress_may_lack_anything(api: APIClient, progress: dict[str, object]) -> None:
    run = a_run(state="running", progress=progress)
    assert api.get(f"/load-tests/{run.id}/status").status_code == 200


def test_asking_again_costs_nothing_while_nothing_has_changed(api: APIClient) -> None:
    run = a_run()
    first = api.get(f"/load-tests/{run.id}/status")
    again = api.get(f"/load-tests/{run.id}/status", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    Run.objects.filter(pk=run.id).update(state="planning")
    assert api.get(f"/load-tests/{run.id}/status", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


@pytest.mark.parametrize("outcome", list(Outcome))
def test_results_of_an_ended_run_hold_summary_thresholds_and_verdict(api: APIClient, outcome: Outcome) -> None:
    run = an_ended_run(outcome)
    found = api.get(f"/load-tests/{run.id}/results").json()
    assert (found["verdict"], found["partial"]) == (outcome, False)
    assert found["reasons"]
    assert found["summary"]["requests"] == 8333
    assert [item["text"] for item in found["thresholds"]] == ["http_req_duration p(95)<300"]
    assert found["thresholds"][0]["passed"] is (outcome is not Outcome.FAILED)
    assert found["timeline"][30]["requests"] is None
    assert [worker["slot"] for worker in found["workers"]] == [0, 1]


def test_results_of_a_run_that_goes_on_are_partial(api: APIClient) -> None:
    run = a_run(state="running", progress=live_progress())
    found = api.get(f"/load-tests/{run.id}/results").json()
    assert (found["partial"], found["summary"]) == (True, None)
    assert found["progress"]["requests"] == 1824


def test_a_run_that_ended_without_a_result_says_why(api: APIClient) -> None:
    run = a_run(state="ended", end_reason=EndReason.LAUNCH_FAILED, message="No room left.")
    found = api.get(f"/load-tests/{run.id}/results").json()
    assert found["reasons"] == ["No room left."]
    assert found["partial"] is True


@pytest.mark.parametrize("path", ["/load-tests/nope/status", "/load-tests/nope/results", f"/load-tests/{'x' * 500}/status"])
def test_an_unknown_run_is_not_found(api: APIClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_stopping_a_queued_run_moves_it_towards_its_end(api: APIClient) -> None:
    run = a_run()
    answer = api.post("/load-tests/stop", {"id": run.id}, format="json")
    assert answer.status_code == 202
    run.refresh_from_db()
    assert (run.state, run.end_reason, run.stop_requested_by) == ("collecting", "stopped_by_user", "ada")
    assert answer.json()["state"] == "collecting"


def test_stopping_twice_and_stopping_what_has_ended_is_fine(api: APIClient) -> None:
    run = an_ended_run()
    for _ in range(2):
        answer = api.post("/load-tests/stop", {"id": run.id}, format="json")
        assert (answer.status_code, answer.json()["end_reason"]) == (202, "completed")


def test_stopping_an_unknown_run_is_not_found(api: APIClient) -> None:
    assert api.post("/load-tests/stop", {"id": "nope"}, format="json").status_code == 404


@pytest.mark.parametrize("body", [{}, {"id": 5}, {"id": ""}, {"id": "x", "hard": "yes"}, {"id": "x", "reason": "y"}])
def test_a_stop_without_a_proper_id_is_refused(api: APIClient, body: dict[str, object]) -> None:
    answer = api.post("/load-tests/stop", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize("path", ["/load-tests/", "/load-tests/templates/", "/load-tests/a/b/c"])
def test_an_unknown_address_is_a_problem_too(api: APIClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"

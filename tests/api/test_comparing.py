import pytest
from rest_framework.test import APIClient

from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Baseline, Result
from tests.builders import a_latency, a_run, a_summary, an_ended_run

pytestmark = pytest.mark.django_db


def test_a_run_becomes_the_baseline_of_its_kind(author: APIClient) -> None:
    first, second = an_ended_run(), an_ended_run()
    for run in (first, second, second):
        answer = author.post(f"/load-tests/{run.id}/baseline")
        assert answer.status_code == 200, answer.content
        assert (answer.json()["run"], answer.json()["scenario"]) == (run.id, "product")
    assert Baseline.objects.get().run_id == second.id


@pytest.mark.parametrize("make", [a_run, lambda: an_ended_run(Outcome.INCONCLUSIVE)])
def test_a_run_that_proves_nothing_is_no_baseline(author: APIClient, make: object) -> None:
    assert callable(make)
    answer = author.post(f"/load-tests/{make().id}/baseline")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_who_may_only_run_accepts_nothing(api: APIClient) -> None:
    assert api.post(f"/load-tests/{an_ended_run().id}/baseline").status_code == 403
    assert not Baseline.objects.exists()


def test_a_body_is_not_taken(author: APIClient) -> None:
    answer = author.post(f"/load-tests/{an_ended_run().id}/baseline", {"tolerance": 3}, format="json")
    assert answer.status_code == 400


def test_two_runs_are_compared_measure_by_measure(api: APIClient) -> None:
    before, now = an_ended_run(), an_ended_run()
    slower = a_summary(latency=a_latency(90))
    Result.objects.filter(run=now).update(summary=to_plain(slower))
    found = api.get(f"/load-tests/{now.id}/compare/{before.id}").json()
    assert (found["run"], found["runs"], found["comparable"]) == (now.id, [before.id], True)
    assert "p95" in found["regressions"]
    (change,) = [change for change in found["changes"] if change["measure"] == "p95"]
    assert change["text"].startswith("p95 +109 %")


def test_a_run_without_a_result_cannot_be_compared(api: APIClient) -> None:
    assert api.get(f"/load-tests/{a_run().id}/compare/{an_ended_run().id}").status_code == 409


def test_an_unknown_run_cannot_be_compared(api: APIClient) -> None:
    assert api.get(f"/load-tests/{an_ended_run().id}/compare/nope").status_code == 404

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.core.protocol import Done, DoneReason
from portal.models import Run, Worker
from portal.wiring import parts
from tests.builders import a_run, an_ended_run, an_environment

pytestmark = pytest.mark.django_db
AWS = {"region": "eu-central-1", "bucket": "results", "cluster": "load", "log_prefix": "/knopfdruck/dev"}


def a_failed_run() -> Run:
    run = an_ended_run()
    lines = tuple(f"line {number}" for number in range(60))
    parts().store(run.id).done(Done(1, 1, 5.0, DoneReason.SCRIPT_ERROR, 107, "TypeError: x", log_tail=lines))
    return run


def log(api: APIClient, run: Run, slot: int = 1, **query: Any) -> Any:
    return api.get(f"/load-tests/{run.id}/workers/{slot}/log", query)


def test_a_worker_s_log_is_what_its_engine_wrote_last(api: APIClient) -> None:
    run = a_failed_run()
    answer = log(api, run)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["slot"], found["epoch"], found["log"], found["lines"]) == (1, 1, None, [])
    assert (len(found["engine"]), found["engine"][-1]) == (50, "line 59")
    assert log(api, run, lines=2).json()["engine"] == ["line 58", "line 59"]


def test_results_say_where_each_worker_s_log_is(api: APIClient) -> None:
    run = a_run(environment=an_environment("dev", place="aws", aws=AWS), aws=AWS, backend="fargate")
    Worker.objects.create(run=run, slot=0, reference="arn:aws:ecs:eu-central-1:123456789012:task/load/0abc")
    (worker,) = api.get(f"/load-tests/{run.id}/results").json()["workers"]
    assert worker["log"]["group"] == "/knopfdruck/dev/fargate"
    assert worker["log"]["stream"] == "task/agent/0abc"
    assert worker["log"]["url"].startswith("https://eu-central-1.console.aws.amazon.com/cloudwatch/")


@pytest.mark.parametrize("query", [{"lines": 0}, {"lines": 501}, {"lines": "x"}, {"epoch": -1}, {"tail": 1}])
def test_what_cannot_be_asked_for_is_named(api: APIClient, query: dict[str, Any]) -> None:
    answer = log(api, a_failed_run(), **query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [*query]


def test_a_worker_there_never_was_is_a_problem_that_says_so(api: APIClient) -> None:
    run = a_failed_run()
    for answer in (log(api, run, slot=7), log(api, run, epoch=2), log(api, a_run(id="other"))):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "no worker of slot 7" in log(api, run, slot=7).json()["detail"]

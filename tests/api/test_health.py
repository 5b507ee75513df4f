import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from portal import queue
from portal.api.health import written
from portal.core.errors import StoreUnavailable
from portal.models import Worker
from portal.usecases.heartbeat import QUEUE, TICKER, note_heartbeat
from portal.usecases.measure_portal import Metric, readiness
from tests.builders import a_run, an_ended_run
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db


def test_the_web_process_says_that_it_is_alive_without_a_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert APIClient().get("/healthz").json() == {"status": "ok"}


def test_the_portal_is_ready_when_everything_works() -> None:
    for name in (QUEUE, TICKER):
        note_heartbeat(time.time(), name)
    answer = APIClient().get("/readyz")
    assert answer.json() == {"status": "ok", "checks": {"database": True, "store": True, "queue": True, "ticker": True}}


@pytest.mark.parametrize("age", [None, 31])
def test_a_process_that_is_silent_makes_it_unavailable(age: int | None) -> None:
    note_heartbeat(time.time(), QUEUE)
    if age is not None:
        note_heartbeat(time.time() - age, TICKER)
    answer = APIClient().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["ticker"], answer.json()["checks"]["queue"]) == (503, False, True)


def test_a_store_that_is_away_is_named() -> None:
    scene = Scene()
    scene.objects.error = StoreUnavailable("away")
    assert readiness(scene.parts)["store"] is False


def metrics(client: APIClient, **extra: Any) -> dict[str, float]:
    answer = client.get("/metrics", **extra)
    assert answer.status_code == 200, answer.content
    lines = [line.rpartition(" ") for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_metrics_count_runs_workers_jobs_and_silence() -> None:
    an_ended_run()
    run = a_run(state="running")
    Worker.objects.create(run=run, slot=0, state="running")
    queue.enqueue("launch", run.id)
    found = metrics(APIClient())
    assert found['knopfdruck_runs{state="ended",verdict="passed"}'] == 1
    assert found['knopfdruck_runs{state="running",verdict=""}'] == 1
    assert found["knopfdruck_workers_active"] == 1
    assert found["knopfdruck_queue_depth"] == 1
    assert found['knopfdruck_heartbeat_age_seconds{process="ticker"}'] == float("inf")


@pytest.mark.parametrize("away", [{"REMOTE_ADDR": "10.0.0.7"}, {"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, {"HTTP_FORWARDED": "for=x"}])
def test_from_elsewhere_metrics_need_a_token(api: APIClient, away: dict[str, Any]) -> None:
    assert APIClient().get("/metrics", **away).status_code == 401
    assert metrics(api, **away)


def test_labels_are_escaped() -> None:
    assert r'{a="\"\\\n"}' in written(Metric("x", "X.", (((("a", '"\\\n'),), 1.0),)))

import threading
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from portal.api.events import WAITERS
from portal.core.run_state import RunState
from portal.models import Run, RunEvent
from portal.usecases.read_events import MOST
from portal.wiring import parts
from tests.builders import a_run, a_timeline, a_token, an_ended_run, live_progress

pytestmark = pytest.mark.django_db


def asked(api: APIClient, run: Run, **query: Any) -> dict[str, Any]:
    answer = api.get(f"/load-tests/{run.id}/events", query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_changes_of_state_are_told_in_order_and_only_once(api: APIClient) -> None:
    run = a_run()
    Run.objects.advance(run.id, RunState.PLANNING)
    Run.objects.advance(run.id, RunState.COLLECTING, message="No room left.")
    first = asked(api, run)
    assert [(event["kind"], event["state"]) for event in first["events"]] == [("state", "planning"), ("state", "collecting")]
    assert first["events"][1]["text"] == "No room left."
    assert asked(api, run, since=first["cursor"])["events"] == []
    RunEvent.objects.create(run=run, text="Worker 1 was lost.")
    (event,) = asked(api, run, since=first["cursor"])["events"]
    assert (event["kind"], event["text"]) == ("log", "Worker 1 was lost.")


def test_a_move_that_did_not_happen_is_not_told(api: APIClient) -> None:
    run = a_run()
    assert not Run.objects.advance(run.id, RunState.RUNNING)
    assert asked(api, run)["events"] == []


def test_new_seconds_come_from_the_live_timeline(api: APIClient) -> None:
    run = a_run(state="running", progress=live_progress(timeline_until=20))
    parts().store(run.id).save_timeline(1, 0, tuple(a_timeline(20)))
    first = asked(api, run, since="0.17")
    assert [(event["kind"], event["second"]) for event in first["events"]] == [("second", 17), ("second", 18), ("second", 19)]
    assert first["events"][0]["p95"] is not None
    assert asked(api, run, since=first["cursor"])["events"] == []


def test_an_ended_run_tells_every_measured_second_and_that_it_is_over(api: APIClient) -> None:
    found = asked(api, an_ended_run(), since="0.28")
    assert [event["second"] for event in found["events"]][:3] == [28, 29, 33]
    assert found["over"] is True
    assert asked(api, an_ended_run(), since=found["cursor"])["events"] == []


def test_more_than_fits_one_answer_goes_on_in_the_next(api: APIClient) -> None:
    run = an_ended_run()
    RunEvent.objects.bulk_create(RunEvent(run=run, text=str(number)) for number in range(MOST + 20))
    first = asked(api, run)
    second = asked(api, run, since=first["cursor"])
    texts = [event["text"] for found in (first, second) for event in found["events"] if event["kind"] == "log"]
    assert (texts, first["over"], second["over"]) == ([str(number) for number in range(MOST + 20)], False, True)


def test_asking_again_with_the_tag_costs_nothing(api: APIClient) -> None:
    run = a_run(state="running", progress=live_progress())
    first = api.get(f"/load-tests/{run.id}/events?since=0.13")
    assert api.get(f"/load-tests/{run.id}/events?since=0.13", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


@pytest.mark.parametrize("query", ["since=x", "since=1", "since=-1.0", "since=" + "9" * 30 + ".1", "wait=21", "wait=-1", "a=1"])
def test_a_cursor_or_wait_that_cannot_be_is_refused(api: APIClient, query: str) -> None:
    assert api.get(f"/load-tests/{a_run().id}/events?{query}").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_waiting_caller_is_answered_when_something_happens() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token()[1]}")
    run = a_run()
    found = list[dict[str, Any]]()

    def ask() -> None:
        found.append(asked(client, run, wait=20))
        connections.close_all()

    caller = threading.Thread(target=ask)
    caller.start()
    Run.objects.advance(run.id, RunState.PLANNING)
    caller.join(60)
    assert [event["state"] for event in found[0]["events"]] == ["planning"]


def test_when_too_many_wait_the_next_is_answered_at_once(api: APIClient) -> None:
    run = a_run()
    taken = [WAITERS.acquire(blocking=False) for _ in range(4)]
    try:
        assert all(taken)
        assert asked(api, run, wait=20)["events"] == []
    finally:
        for _ in taken:
            WAITERS.release()

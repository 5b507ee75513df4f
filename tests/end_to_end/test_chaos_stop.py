"""A hundred people stop the same run at the same moment: it stops once, and nothing measured is lost (`make chaos`)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bench.followed import Followed, follow, second_errors
from tests.bench.scale import NOWHERE, SETTINGS, Crowd, store_in_memory
from tests.bench.stage import PAGE, stage

STOPS, WORKERS = 100, 100


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_hundred_stops_at_once_are_one_stop_and_nothing_measured_is_lost() -> None:
    environment = dict(SETTINGS)
    with store_in_memory() as store, stage(NOWHERE, {"page": PAGE}, environment=environment | {"KNOPFDRUCK_STORE": store}) as on:
        crowd = Crowd(on.portal.folder, store)
        with crowd.at_work(WORKERS + 5, 200), ThreadPoolExecutor(STOPS) as people:
            body = {"scenario": "page", "vus": WORKERS, "duration": "120s", "workers": WORKERS}
            run = Followed(on.start("ec2", body), time.time(), 120)
            follow(on, [run], time.time() + 100, lambda: len(run.behind) > 7)
            answers = list(people.map(lambda _: on.stop(run.run_id), range(STOPS)))
            follow(on, [run], time.time() + 100, lambda: run.ended is not None)
        result, told = on.results(run.run_id), crowd.ended(run.run_id)
    assert {answer["id"] for answer in answers} == {run.run_id}
    assert result["end_reason"] == "stopped_by_user"
    assert (len(told), {one["reason"] for one in told}) == (WORKERS, {"stopped"})
    assert result["summary"]["requests"] == sum(one["requests"] for one in told) > 0
    assert second_errors(result, told) == 0
    assert result["summary"]["lost"] == []

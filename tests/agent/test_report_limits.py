"""What a report does not take: a batch of another time, and more request names than can be kept apart."""

from __future__ import annotations

import pytest

from portal.core.errors import EngineOutputBroken
from portal.core.merge import select
from portal.core.window import MOST_VALUES
from tests.agent.test_report import COMPLETED, T0, Worker, worker
from tests.core.points import counter

__all__ = ["worker"]


def test_a_batch_of_another_time_is_refused_whole(worker: Worker) -> None:
    worker.begin()
    for far in (T0 - 4000, T0 + 4000, 1 << 40):
        with pytest.raises(EngineOutputBroken):
            worker.report.add([counter(T0, "hits", 1), counter(far, "hits", 1)])
    worker.hit(T0, 7)
    worker.report.done(COMPLETED, None)
    assert sum(select(snapshot.block, "hits").total for snapshot in worker.snapshots()) == 7


def test_names_that_were_folded_are_told(worker: Worker) -> None:
    worker.begin()
    worker.report.add(counter(T0, "http_reqs", 1, name=f"/{number}") for number in range(MOST_VALUES + 12))
    worker.report.done(COMPLETED, None)
    assert worker.the_done().names_folded == 12

"""A frozen worker and its k6 go on after another one took their slot (`make chaos`): they end by themselves, at once.

Nobody ends them from outside here, as it is where the backend cannot reach a worker that it lost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from portal.core.load import ClosedLoad
from portal.core.merge import select
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.split import Segment, WorkerAssignment
from runner_images.agent.awake import LEAP_SECONDS
from runner_images.agent.exit_codes import ExitCode
from tests.agent.lives import Lives, is_gone
from tests.agent.test_life import K6
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.engines, pytest.mark.timeout(200)]
LOAD = ClosedLoad.constant(4, timedelta(seconds=40))


@pytest.fixture
def lives(tmp_path: Path, k6: EngineTools, target: CountingServer) -> Iterator[Lives]:
    found = Lives(tmp_path, k6, K6, LOAD, target=target.url, workers=2)
    found.launch()
    yield found
    found.close()


def freeze(lives: Lives, slot: int) -> list[psutil.Process]:
    agent = psutil.Process(lives.processes[slot].pid)
    frozen = [agent, *agent.children(recursive=True)]
    for process in frozen:
        process.suspend()
    time.sleep(LEAP_SECONDS + 1)
    return frozen


def thaw(frozen: list[psutil.Process]) -> None:
    for process in frozen:
        process.resume()


def test_who_comes_back_superseded_ends_with_its_engine_and_doubles_nothing(lives: Lives, target: CountingServer) -> None:
    t0 = lives.start()
    wait_until(lambda: lives.requests() > 50, "load")
    frozen = freeze(lives, 1)
    lives.store.assign(WorkerAssignment(lives.plan, Segment(1, 2), epoch=2))
    lives.launch_one(1, epoch=2)
    wait_until(lambda: (1, 2, "running") in {(b.slot, b.epoch, b.phase) for b in lives.store.beats().values()}, "the other")
    thawed = math.floor(time.time())
    thaw(frozen)
    wait_until(lambda: all(is_gone(process) for process in frozen), "its end")
    assert lives.wait() == [ExitCode.DONE] * 3, lives.logs()
    dones = lives.store.dones()
    assert {worker: done.reason for worker, done in dones.items()} == {
        (0, 1): DoneReason.COMPLETED, (1, 1): DoneReason.SUPERSEDED, (1, 2): DoneReason.COMPLETED,
    }  # fmt: skip
    begin = dones[1, 2].first_second
    assert begin is not None
    assert dones[1, 1].at - thawed < begin - t0, "a second or so, not the rest of the load"
    merged = lives.merged()
    assert select(merged.totals(), "http_reqs").total <= target.paths.total()
    (hole,) = merged.missing(t0, dict.fromkeys(range(2), t0 + 40))
    assert (hole.slot, hole.end) == (1, begin)
    assert hole.end - hole.start >= LEAP_SECONDS


def test_who_comes_back_in_time_goes_on_and_tells_of_the_hole(lives: Lives) -> None:
    t0 = lives.start()
    wait_until(lambda: lives.requests() > 50, "load")
    thaw(freeze(lives, 1))
    assert lives.wait() == [ExitCode.DONE] * 2, lives.logs()
    merged = lives.merged()
    holes = merged.missing(t0, dict.fromkeys(range(2), t0 + 40))
    assert [hole.slot for hole in holes] == [1]
    assert holes[0].end - holes[0].start >= LEAP_SECONDS
    assert select(merged.totals(), "http_reqs").total > 0

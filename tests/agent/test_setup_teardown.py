"""Who runs setup() and teardown(), when, and with which data: the rules, with k6's API replaced by a list of calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.core.protocol import Beat, Done, DoneReason, WorkerPhase
from portal.core.split import Segment, WorkerAssignment
from portal.stores.run_store import RunStore
from runner_images.agent import setup_teardown
from runner_images.agent.clock import SystemClock
from runner_images.agent.k6_api import ENDED, K6Api, ScriptThrew
from runner_images.agent.setup_teardown import SetupAndTeardown
from tests.agent.test_report import COMPLETED, T0, Worker
from tests.core.plans import plan
from tests.core.points import gauge
from tests.fakes import FailingStore, wait_until

DATA = '{"token":"größer","id":9007199254740993}'.encode()
MINUTE = timedelta(seconds=60)


class FakeRest(K6Api):
    """What was asked of it, in order; setup() gives `data` or throws."""

    def __init__(self, data: bytes = DATA, throws: str = "") -> None:
        super().__init__(0)
        self.calls: list[object] = []
        self._data, self._throws = data, throws

    def status(self) -> int | None:
        return ENDED

    def run_setup(self, seconds: float) -> bytes:
        self.calls.append("setup")
        if self._throws:
            raise ScriptThrew(self._throws)
        return self._data

    def give_setup(self, data: bytes) -> None:
        self.calls.append(data)

    def run_teardown(self, seconds: float) -> None:
        self.calls.append("teardown")
        if self._throws:
            raise ScriptThrew(self._throws)


class Troupe:
    """Workers of one run over one store."""

    def __init__(self, workers: int = 3) -> None:
        self.objects = FailingStore()
        self.store, self.clock = RunStore(self.objects, "run1"), SystemClock()
        self.plan = plan(workers=workers, setup_within=MINUTE, teardown_within=MINUTE)

    def worker(self, slot: int, rest: FakeRest, epoch: int = 1) -> SetupAndTeardown:
        assignment = WorkerAssignment(self.plan, Segment(slot, self.plan.workers), epoch)
        return SetupAndTeardown(assignment, self.store, rest, self.clock)

    def beat(self, slot: int, *, ago: float = 0.0, epoch: int = 1) -> None:
        self.store.beat(Beat(slot, epoch, self.clock.now() - ago, WorkerPhase.RUNNING))

    def done(self, slot: int, epoch: int = 1) -> None:
        self.store.done(Done(slot, epoch, self.clock.now(), DoneReason.COMPLETED, 0))


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_teardown, "LOOK_EVERY", 0.01)


@pytest.fixture
def troupe() -> Troupe:
    return Troupe()


def soon(is_so: Callable[[], bool]) -> None:
    wait_until(is_so)


def test_setup_runs_on_the_leader_and_its_data_reach_the_others_unchanged(troupe: Troupe) -> None:
    rests = [FakeRest() for _ in range(3)]
    workers = [troupe.worker(slot, rest) for slot, rest in enumerate(rests)]
    assert not workers[2].is_ready()
    for worker in workers:
        soon(worker.is_ready)
    assert [rest.calls for rest in rests] == [["setup"], [DATA], [DATA]]


def test_a_replacement_of_the_leader_takes_the_data_and_runs_no_second_setup(troupe: Troupe) -> None:
    soon(troupe.worker(0, FakeRest()).is_ready)
    rest = FakeRest(b'"another"')
    soon(troupe.worker(0, rest, epoch=2).is_ready)
    assert rest.calls == [DATA]


def test_a_setup_that_throws_is_told_and_gives_nothing(troupe: Troupe) -> None:
    worker = troupe.worker(0, FakeRest(throws="Error: no shop\n\tat setup (file:///tmp/kd/x/s.js:5:107(23))\n"))
    with pytest.raises(ScriptThrew, match=r"^Error: no shop at setup \(s\.js:5:107\(23\)\)$"):
        soon(worker.is_ready)
    assert troupe.store.setup() is None


def test_a_setup_that_returns_nothing_is_over_all_the_same(troupe: Troupe) -> None:
    rests = [FakeRest(b"null"), FakeRest()]
    for slot, rest in enumerate(rests):
        soon(troupe.worker(slot, rest).is_ready)
    assert [rest.calls for rest in rests] == [["setup"], []]


def test_a_store_that_is_away_delays_setup_and_loses_nothing(troupe: Troupe) -> None:
    rest = FakeRest()
    troupe.objects.fails = True
    worker = troupe.worker(0, rest)
    assert not worker.is_ready()
    wait_until(lambda: troupe.objects.failures)
    troupe.objects.fails = False
    soon(worker.is_ready)
    assert (rest.calls, troupe.store.setup()) == (["setup"], DATA)


def tear_down(troupe: Troupe, slot: int, rest: FakeRest, *, until: float = 60.0) -> None:
    troupe.worker(slot, rest).tear_down(time.time() + until, lambda: True)


def test_teardown_waits_for_the_others_and_runs_once(troupe: Troupe) -> None:
    for slot in range(3):
        troupe.beat(slot)
    rests = [FakeRest() for _ in range(3)]
    tear_down(troupe, 2, rests[2])
    troupe.done(2)
    looks: list[int] = []

    def go_on() -> bool:
        looks.append(1)
        if len(looks) == 3:
            assert rests[0].calls == []
            troupe.done(1)
        return True

    troupe.worker(0, rests[0]).tear_down(time.time() + 60, go_on)
    assert len(looks) >= 3
    tear_down(troupe, 1, rests[1])
    assert [rest.calls for rest in rests] == [["teardown"], [], []]


def test_the_next_slot_tears_down_when_the_leader_is_gone(troupe: Troupe) -> None:
    troupe.beat(0, ago=60)
    troupe.beat(1)
    troupe.beat(2)
    rests = [FakeRest() for _ in range(3)]
    tear_down(troupe, 2, rests[2])
    troupe.done(2)
    tear_down(troupe, 1, rests[1])
    assert [rest.calls for rest in rests] == [[], ["teardown"], []]


def test_a_replaced_worker_is_waited_for_although_its_predecessor_is_done(troupe: Troupe) -> None:
    troupe.done(1)
    troupe.beat(1, epoch=2)
    troupe.done(2)
    rest, looks = FakeRest(), list[int]()

    def go_on() -> bool:
        looks.append(1)
        if len(looks) == 3:
            assert rest.calls == []
            troupe.done(1, epoch=2)
        return True

    troupe.worker(0, rest).tear_down(time.time() + 60, go_on)
    assert rest.calls == ["teardown"]


def test_nobody_is_waited_for_longer_than_the_deadline(troupe: Troupe) -> None:
    rest = FakeRest()
    troupe.beat(1)
    tear_down(troupe, 0, rest, until=0.0)
    assert rest.calls == ["teardown"]


def test_a_hard_stop_leaves_teardown_out(troupe: Troupe) -> None:
    rest = FakeRest()
    troupe.beat(1)
    troupe.worker(0, rest).tear_down(time.time() + 60, lambda: False)
    assert rest.calls == []


def test_a_teardown_that_throws_is_told(troupe: Troupe) -> None:
    with pytest.raises(ScriptThrew, match="boom"):
        tear_down(troupe, 0, FakeRest(throws="boom"))


def test_what_comes_after_the_load_is_over_is_no_part_of_the_run() -> None:
    worker = Worker()
    worker.begin()
    worker.hit(T0)
    worker.clock.advance(5.5)
    worker.report.load_is_over()
    worker.hit(T0 + 5)
    worker.report.add([gauge(T0 + 9, "vus", 0)])
    for _ in range(10):
        worker.clock.advance(10)
        worker.report.flush_if_due()
    worker.report.done(COMPLETED, None)
    assert worker.the_done().last_second == T0 + 6
    assert max(snapshot.end for snapshot in worker.snapshots()) == T0 + 6
    assert [point.second for snapshot in worker.snapshots() for point in snapshot.block.points()] == [T0, T0 + 5]
    worker.end()

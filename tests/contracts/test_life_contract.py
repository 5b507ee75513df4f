"""A run's life on every backend: the portal's own use cases with workers that speak through the store, as here so on Lambda,
Fargate and EC2."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, cast  # Any: a clock of another kind

import pytest

from portal.aws.errors import AwsCapacity, AwsError
from portal.core.ports import WorkerHandle, WorkerStatus
from portal.core.protocol import DoneReason, WorkerPhase
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models import Run, Worker
from portal.usecases.finish_run import finish_run
from portal.usecases.launch_run import launch_run
from portal.usecases.stop_run import stop_run
from portal.usecases.watch_run import Watches, watch_run
from tests.backends.lambda_place import LambdaWorld
from tests.backends.places import Ec2World, FargateWorld, World
from tests.builders import ADA, a_plan, a_run
from tests.contracts.worlds import LocalWorld
from tests.usecases.parts import Scene, jobs
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db
RUN, SLOTS, SECONDS = "run1", (0, 1, 2), 10


class Life:
    """The run of one world, and its workers' words. A worker says nothing before its place let it begin."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.clock.advance(int(time.time()) - world.clock.now())  # Rows take their times from the real clock.
        self.scene = Scene(clock=cast(Any, world.clock), backend=cast(Any, world.backend()))
        length = timedelta(seconds=SECONDS)
        plan = a_plan(run_id=RUN, workers=len(SLOTS), duration=length, bundle_digest="")
        self.run = a_run(id=RUN, plan=plan, state=RunState.QUEUED)
        self.watches = Watches()
        self.workers = {slot: FakeWorker(self.scene, self.scene.store(self.run), slot) for slot in SLOTS}

    def launch(self, owner: str = "tests:1") -> None:
        launch_run(RUN, self.scene.as_process(owner))
        self.run.refresh_from_db()

    def look(self) -> Run:
        watch_run(RUN, self.scene.parts, self.watches)
        self.run.refresh_from_db()
        return self.run

    def handle(self, slot: int) -> WorkerHandle:
        return Worker.objects.get(run=self.run, slot=slot).handle()

    def handles(self) -> tuple[WorkerHandle, ...]:
        return tuple(row.handle() for row in Worker.objects.filter(run=self.run))

    def ready(self, *slots: int) -> None:
        for slot in slots:
            self.world.begin(self.handle(slot))
            self.workers[slot].ready()
            self.workers[slot].beat(WorkerPhase.READY)

    def live(self, *slots: int) -> None:
        for slot in slots:
            self.world.live(self.handle(slot))
            self.workers[slot].beat()

    def sleep(self, seconds: float, *alive: int) -> None:
        """Those who are alive say so every ten seconds."""
        until = self.world.clock.now() + seconds
        while (left := until - self.world.clock.now()) > 0:
            self.world.clock.advance(min(left, 10.0))
            self.live(*alive)

    def under_load(self) -> int:
        """The second at which the load began."""
        self.launch()
        self.ready(*SLOTS)
        self.look()
        assert self.look().state == RunState.RUNNING
        start = self.scene.store(self.run).started()
        assert start is not None
        self.sleep(start.t0 - self.world.clock.now())
        self.live(*SLOTS)
        return start.t0

    def done(self, t0: int, *slots: int, reason: DoneReason = DoneReason.COMPLETED) -> None:
        for slot in slots:
            worker = self.workers[slot]
            worker.measure(t0, t0 + SECONDS)
            worker.done(reason, first_second=t0, last_second=t0 + SECONDS, started_at=t0 + 0.01)
            self.world.leave(self.handle(slot))

    def finish(self) -> Run:
        assert self.look().state == RunState.COLLECTING
        assert jobs() == [("finish", (RUN,))]
        finish_run(RUN, self.scene.parts)
        self.run.refresh_from_db()
        assert self.run.state == RunState.ENDED
        return self.run

    def assert_nothing_is_left(self) -> None:
        """Neither a worker nor a call nor a hold of machines."""
        assert WorkerStatus.ALIVE not in self.world.backend().poll(self.handles()).values()
        if isinstance(self.world, (FargateWorld, Ec2World)):
            assert self.world.pool.calls(RUN) == ()
        if isinstance(self.world, Ec2World):
            assert self.world.ledger.holds == {}


@pytest.fixture
def life(world: World) -> Life:
    return Life(world)


def test_the_load_begins_when_the_last_is_ready_and_not_before(life: Life) -> None:
    life.launch()
    assert (life.run.state, life.world.started()) == (RunState.LAUNCHING, {(slot, 1) for slot in SLOTS})
    life.ready(0, 1)
    assert (life.look().state, life.scene.store(life.run).started()) == (RunState.LAUNCHING, None)
    life.ready(2)
    for _ in range(3):
        life.look()
    start = life.scene.store(life.run).started()
    assert (life.run.state, start is not None and start.t0 > start.at) == (RunState.RUNNING, True)


def test_a_run_comes_to_its_result_and_leaves_nothing(life: Life) -> None:
    t0 = life.under_load()
    life.sleep(SECONDS, *SLOTS)
    assert life.look().state == RunState.RUNNING
    life.done(t0, *SLOTS)
    run = life.finish()
    assert (run.end_reason, run.verdict) == (EndReason.COMPLETED, Outcome.PASSED), run.result.verdict
    assert (run.result.summary["requests"], run.result.summary["coverage"]) == (10 * SECONDS * len(SLOTS), 1.0)
    life.assert_nothing_is_left()


def test_a_launch_that_is_delivered_again_and_by_another_process_starts_nobody_else(life: Life) -> None:
    for owner in ("tests:1", "tests:1", "tests:2"):
        life.launch(owner)
    assert life.world.started() == {(slot, 1) for slot in SLOTS}
    assert sorted(handle.slot for handle in life.handles()) == list(SLOTS)
    if isinstance(life.world, LambdaWorld):
        assert len(life.world.events) == len(SLOTS)
    if isinstance(life.world, LocalWorld):
        assert len(life.world.place.handles) == len(SLOTS)


def test_a_stop_reaches_everybody_and_what_they_measured_is_kept(life: Life) -> None:
    t0 = life.under_load()
    life.sleep(SECONDS / 2, *SLOTS)
    for _ in range(2):
        stop_run(RUN, life.scene.parts, by=ADA)
    assert life.look().state == RunState.STOPPING
    assert life.scene.store(life.run).stop_asked() is not None
    life.sleep(SECONDS / 2, *SLOTS)
    life.done(t0, *SLOTS, reason=DoneReason.STOPPED)
    run = life.finish()
    assert (run.end_reason, run.verdict) == (EndReason.STOPPED_BY_USER, Outcome.INCONCLUSIVE)
    assert run.result.summary["requests"] == 10 * SECONDS * len(SLOTS)
    life.assert_nothing_is_left()


def test_a_lost_worker_is_missed_and_the_others_go_on(life: Life) -> None:
    t0 = life.under_load()
    life.world.die(life.handle(1))
    life.sleep(15, 0, 2)
    run = life.look()
    rows = dict(Worker.objects.filter(run=run).values_list("slot", "state"))
    assert (run.state, rows) == (RunState.RUNNING, {0: "running", 1: "lost", 2: "running"})
    life.done(t0, 0, 2)
    run = life.finish()
    assert (run.end_reason, run.verdict) == (EndReason.COMPLETED, Outcome.INCONCLUSIVE)
    assert run.result.summary["lost"] == [1]
    assert run.result.summary["coverage"] == pytest.approx(2 / 3, abs=0.01)
    life.assert_nothing_is_left()


def without_slot_1(life: Life) -> None:
    """Lambda and ECS have no room for it, nobody of the group takes its call, or it dies before it is ready."""
    if isinstance(life.world, (LambdaWorld, FargateWorld)):
        error: AwsError = AwsCapacity("No room.", operation="lambda:InvokeFunction", reason="No")
        life.world.trouble.errors = {1: [error] * 99}
    life.launch()
    if not isinstance(life.world, (LambdaWorld, FargateWorld)):
        life.ready(0, 2)
        assert life.look().state == RunState.LAUNCHING
        if isinstance(life.world, LocalWorld):
            life.world.die(life.handle(1))
        else:
            life.sleep(life.run.load_plan().ready_within.total_seconds() + 2, 0, 2)
        life.look()


def test_when_one_does_not_come_the_launch_ends_and_the_others_are_called_off(life: Life) -> None:
    without_slot_1(life)
    assert (life.run.state, life.run.end_reason) == (RunState.STOPPING, EndReason.LAUNCH_FAILED), life.run.message
    stop = life.scene.store(life.run).stop_asked()
    assert stop is not None
    assert stop.reason == EndReason.LAUNCH_FAILED
    for slot in (0, 2):
        life.workers[slot].done(DoneReason.STOPPED)
        life.world.leave(life.handle(slot))
    if isinstance(life.world, Ec2World):
        life.world.clock.advance(15)  # Nobody took the call: whoever it was for is silent.
    run = life.finish()
    assert (run.end_reason, run.verdict) == (EndReason.LAUNCH_FAILED, Outcome.INCONCLUSIVE)
    assert run.result.summary["requests"] == 0
    life.assert_nothing_is_left()


def test_a_run_beyond_its_deadline_is_forced_to_end(life: Life) -> None:
    life.under_load()
    life.sleep(life.run.load_plan().over_within.total_seconds() + 31, *SLOTS)
    assert (life.look().state, life.run.end_reason) == (RunState.STOPPING, EndReason.DEADLINE)
    stop = life.scene.store(life.run).stop_asked()
    assert stop is not None
    assert stop.hard
    life.sleep(life.run.load_plan().ending_within.total_seconds() + 31, *SLOTS)
    life.look()
    if isinstance(life.world, FargateWorld):
        assert sorted(life.world.stopped) == sorted(handle.reference for handle in life.handles())
    if isinstance(life.world, LocalWorld):
        life.world.place.wait_gone(*life.handles())
    life.world.clock.advance(31)  # Elsewhere a worker that hangs is ended by its own deadline, and is silent then.
    run = life.finish()
    assert (run.end_reason, run.verdict) == (EndReason.DEADLINE, Outcome.INCONCLUSIVE)
    life.assert_nothing_is_left()

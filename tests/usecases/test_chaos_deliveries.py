"""Jobs of the queue that come twice, late and in another order: the run ends as if each had come once (`make chaos`)."""

from __future__ import annotations

import random

import pytest

from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason
from portal.core.run_state import EndReason, RunState
from portal.models import Result, Run, RunEvent, Worker
from portal.usecases.finish_run import finish_run
from portal.usecases.launch_run import launch_run
from portal.usecases.sweep_runs import sweep_runs
from portal.usecases.watch_run import Watches, watch_run
from tests.usecases.parts import Scene, jobs
from tests.usecases.workers import FakeWorker

pytestmark = [pytest.mark.django_db, pytest.mark.chaos]
WORKERS, SECONDS = 3, 10


class World:
    """A run, the deliveries that may come, and workers that do their part as soon as they can."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.run = self.scene.run(workers=WORKERS, bundle_digest="")
        self.workers = [FakeWorker(self.scene, self.scene.store(self.run), slot) for slot in range(WORKERS)]
        self.watches = Watches()
        self._are_ready = self._are_done = False

    def launch(self) -> None:
        launch_run(self.run.id, self.scene.parts)

    def look(self) -> None:
        """By a ticker that may have been started anew since the last time."""
        watch_run(self.run.id, self.scene.parts, self.watches)

    def look_anew(self) -> None:
        watch_run(self.run.id, self.scene.as_process("tests:2"), Watches())

    def finish(self) -> None:
        finish_run(self.run.id, self.scene.parts)

    def sweep(self) -> None:
        sweep_runs(self.scene.parts)

    def deliver(self, name: str) -> None:
        getattr(self, name)()
        self.run.refresh_from_db()
        self._go_on()

    def _go_on(self) -> None:
        if self.run.state == RunState.LAUNCHING and Worker.objects.count() == WORKERS and not self._are_ready:
            self._are_ready = True
            for worker in self.workers:
                worker.ready()
        elif self.run.state == RunState.RUNNING and not self._are_done:
            self._are_done = True
            start = self.scene.store(self.run).started()
            assert start is not None
            self.scene.clock.sleep(start.t0 + SECONDS - self.scene.clock.now())
            for worker in self.workers:
                worker.measure(start.t0, start.t0 + SECONDS)
                worker.done(DoneReason.COMPLETED, first_second=start.t0, last_second=start.t0 + SECONDS)
                self.scene.backend.status[worker.slot] = WorkerStatus.GONE


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_twice_late_or_too_early_the_run_ends_once_and_right(seed: int) -> None:
    world, chance = World(), random.Random(seed)
    storm = ["launch", "finish", "look", "look_anew", "sweep"] * 4
    chance.shuffle(storm)
    for name in storm:
        world.deliver(name)
    for name in ("launch", "look", "look", "look", "look", "finish"):  # What the queue and the ticker bring in the end.
        world.deliver(name)
    result = Result.objects.get(run=world.run)
    ended = (world.run.state, world.run.end_reason, world.run.verdict, result.summary["requests"])
    assert ended == (RunState.ENDED, EndReason.COMPLETED, "passed", WORKERS * SECONDS * 10)
    assert sorted(world.scene.backend.launched) == list(range(WORKERS)), "each worker was started once"
    assert jobs() == [("finish", (world.run.id,))], "asked for once"
    before = (Run.objects.values().get(), Result.objects.values().get(), RunEvent.objects.count())
    chance.shuffle(storm)
    for name in storm:
        world.deliver(name)
    assert (Run.objects.values().get(), Result.objects.values().get(), RunEvent.objects.count()) == before

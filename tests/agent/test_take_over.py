"""A worker that takes a slot over in the middle: it begins at a second of its own, with the rest of the load."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from portal.core.loss import TAKE_OVER_SECONDS
from portal.core.merge import select
from portal.core.merged_run import MergedRun
from portal.core.ports import EngineCommand
from portal.core.protocol import Done, DoneReason, Start
from portal.core.split import Segment, WorkerAssignment
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.orders import End, Orders
from tests.agent.rig import Rig
from tests.agent.test_report import T0, Worker
from tests.fakes import StubEngine, wait_until


class Remembering(StubEngine):
    elapsed = timedelta()

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        self.elapsed = assignment.elapsed
        return super().command(assignment, bundle=bundle, rest_port=rest_port, intake_port=intake_port, cores=cores)


def replacement(folder: Path, does: dict[str, object], *, ago: float | None, epoch: int = 2) -> tuple[Rig, Remembering, int]:
    """The rig of a later epoch in a run that began so many seconds ago (None: not yet)."""
    rig = Rig(folder)
    engine = Remembering(does)
    rig.engine = engine
    first = rig.store.assignment(0, 1)
    assert first
    rig.store.assign(WorkerAssignment(first.plan, Segment(0, 1), epoch))
    rig.settings = dataclasses.replace(rig.settings, epoch=epoch)
    rig.orders = Orders(rig.store, rig.clock, slot=0, epoch=epoch)
    now = math.floor(rig.clock.now())
    t0 = now if ago is None else rig.store.start(Start(now - int(ago))).t0
    return rig, engine, t0


def done(rig: Rig, epoch: int = 2) -> Done:
    return rig.store.dones()[0, epoch]


def test_it_begins_some_seconds_from_now_with_what_is_left(tmp_path: Path) -> None:
    rig, engine, t0 = replacement(tmp_path, {"posts": [3]}, ago=20)
    assert rig.live() == ExitCode.DONE
    said = done(rig)
    assert (said.reason, rig.hits()) == (DoneReason.COMPLETED, 3)
    assert said.first_second is not None
    assert said.started_at is not None
    assert engine.elapsed == timedelta(seconds=said.first_second - t0)
    assert engine.elapsed >= timedelta(seconds=20 + TAKE_OVER_SECONDS["k6"])
    taken = rig.store.taken_over(0, 2)
    assert taken is not None
    assert taken.begins == said.first_second, "the one before it ends there"
    assert said.started_at >= said.first_second


def test_after_the_end_of_the_load_nothing_is_started(tmp_path: Path) -> None:
    rig, _, _ = replacement(tmp_path, {"posts": [3]}, ago=58)
    assert rig.live() == ExitCode.DONE
    assert (done(rig).reason, done(rig).first_second) == (DoneReason.NOT_STARTED, None)
    assert "after the end of the load" in done(rig).message


def test_its_deadline_is_the_runs(tmp_path: Path) -> None:
    rig, _, _ = replacement(tmp_path, {"until_stopped": True}, ago=20)

    def controller(rig: Rig) -> None:
        wait_until(lambda: 0 in rig.store.beats(), "a beat")
        rig.wait_running()
        rig.clock.shift = 60 + 20 + 30

    rig.live(controller)
    assert done(rig).reason is DoneReason.DEADLINE


def test_before_the_start_it_waits_for_it_as_everyone_does(tmp_path: Path) -> None:
    rig, engine, _ = replacement(tmp_path, {"posts": [3]}, ago=None)

    def controller(rig: Rig) -> None:
        wait_until(lambda: rig.store.ready_slots({0: 2}), "ready")
        rig.store.start(Start(math.floor(rig.clock.now())))

    rig.live(controller)
    assert (done(rig).reason, engine.elapsed) == (DoneReason.COMPLETED, timedelta())


def test_one_that_finds_itself_superseded_ends_with_its_engine(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"until_stopped": True, "posts": [2]})

    def controller(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        first = rig.store.assignment(0, 1)
        assert first
        rig.store.assign(dataclasses.replace(first, epoch=2))

    assert rig.live(controller) == ExitCode.DONE
    assert (done(rig, 1).reason, rig.engines()) == (DoneReason.SUPERSEDED, [])
    assert rig.hits() == pytest.approx(2), "what was measured is kept"


def test_what_it_measured_after_all_is_told_and_accounts_for_no_time() -> None:
    worker = Worker()
    worker.begin()
    worker.hit(T0 + 1)
    worker.clock.advance(90)
    worker.hit(T0 + 90)
    worker.report.done(End(DoneReason.SUPERSEDED, "Another worker took slot 1 over.", hard=True), None)
    (last,) = worker.snapshots()
    assert (last.start, last.end, last.final) == (T0, T0, True)
    run = MergedRun()
    run.add(last)
    assert (select(run.totals(), "hits").total, run.covered()) == (2, ())

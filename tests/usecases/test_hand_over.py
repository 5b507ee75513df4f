"""A sliced load: the next worker of a slot is started early, and the run goes on with it; every step may be repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.core.errors import LaunchFailed
from portal.core.loss import OnWorkerLoss
from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models import Run, Worker
from portal.usecases.judge_run import judge_run
from tests.usecases.parts import Scene, jobs
from tests.usecases.watching import Watcher, running
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db
SLICE, SLICES = 120, 3


def sliced(workers: int = 2, **plan: object) -> tuple[Scene, Watcher, tuple[FakeWorker, ...], int]:
    length = timedelta(seconds=SLICE * SLICES)
    scene, watcher, fakes, t0 = running(workers, duration=length, slices=SLICES, **plan)
    work(scene, fakes, t0, 70)
    watcher.look()
    return scene, watcher, fakes, t0


def work(scene: Scene, fakes: tuple[FakeWorker, ...], t0: int, until: int, begin: int = 0) -> None:
    """The time goes on to second `until`, and these workers measure since `begin`."""
    scene.clock.sleep(t0 + until - scene.clock.now())
    for worker in fakes:
        worker.measure(t0 + begin, t0 + until)
        worker.beat()


def look(watcher: Watcher) -> Run:
    """Whoever is started by it was started now, by the scene's clock."""
    before = set(Worker.objects.values_list("id", flat=True))
    run = watcher.look()
    now = datetime.fromtimestamp(watcher.scene.clock.now(), UTC)
    Worker.objects.exclude(id__in=before).update(launched=now)
    return run


def rows(run: Run) -> list[tuple[int, int, int, str]]:
    found = Worker.objects.filter(run=run).order_by("slot", "epoch")
    return [(row.slot, row.epoch, row.part, str(row.state)) for row in found]


def told(run: Run) -> list[str]:
    return list(run.events.filter(text__startswith="Slice ").values_list("text", flat=True))


def successors(scene: Scene, fakes: tuple[FakeWorker, ...]) -> tuple[FakeWorker, ...]:
    return tuple(FakeWorker(scene, worker.store, worker.slot, epoch=worker.epoch + 1) for worker in fakes)


def test_before_its_time_nobody_is_started() -> None:
    scene, watcher, _, _ = sliced()
    assert (scene.backend.launched, len(rows(watcher.run))) == ([], 2)


def test_the_next_slice_is_started_early_once_and_the_slots_still_run() -> None:
    scene, watcher, fakes, t0 = sliced()
    work(scene, fakes, t0, 80, begin=70)
    for _ in range(3):
        run = watcher.look()
    assert scene.backend.launched == [0, 1]
    assert rows(run) == [(0, 1, 0, "running"), (0, 2, 1, "launched"), (1, 1, 0, "running"), (1, 2, 1, "launched")]
    assert run.progress["workers"]["running"] == 2
    assert told(run) == ["Slice 2 of 3 makes the load from 2:00 to 4:00; its workers are started."]
    assigned = scene.store(run).assignment(1, 2)
    assert assigned
    assert (assigned.slot, assigned.part, assigned.begins, assigned.plan) == (1, 1, timedelta(seconds=120), run.load_plan())


def test_from_slice_to_slice_to_the_end() -> None:
    scene, watcher, fakes, t0 = sliced()
    for part in range(SLICES):
        end = SLICE * (part + 1)
        work(scene, fakes, t0, end - 10, begin=70 if part == 0 else SLICE * part)
        look(watcher)
        work(scene, fakes, t0, end, begin=end - 10)
        for worker in fakes:
            worker.done(first_second=t0 + SLICE * part, last_second=t0 + end, started_at=t0 + SLICE * part + 0.003)
        run = watcher.look()
        fakes = successors(scene, fakes)
    assert (run.state, run.end_reason, jobs()) == (RunState.COLLECTING, EndReason.COMPLETED, [("finish", (run.id,))])
    assert rows(run) == [(slot, part + 1, part, "done") for slot in (0, 1) for part in range(SLICES)]
    assert [sentence.partition(" makes ")[0] for sentence in told(run)] == ["Slice 2 of 3", "Slice 3 of 3"]
    judged = judge_run(run, scene.store(run))
    summary = judged.summary
    assert (summary.coverage, summary.requests, summary.lost, summary.seconds) == (1.0, 2 * 10 * 360, (), 360.0)
    assert summary.start_skew_ms == pytest.approx(3.0)
    assert (judged.verdict.outcome, judged.verdict.notes) == (Outcome.PASSED, ())


def test_a_controller_that_was_away_goes_on_with_the_slice_that_is_due() -> None:
    scene, watcher, fakes, t0 = sliced()
    work(scene, fakes, t0, 120, begin=70)
    for worker in fakes:
        worker.done(last_second=t0 + 120)
    scene.clock.sleep(130)
    run = Watcher(scene, watcher.run).look()
    assert (run.state, scene.backend.launched) == (RunState.RUNNING, [0, 1])
    assert rows(run)[1] == (0, 2, 2, "launched"), "250 s after the start the third is due"


def test_whoever_died_before_the_launch_has_a_successor_that_launches() -> None:
    scene, watcher, fakes, t0 = sliced()
    work(scene, fakes, t0, 80, begin=70)
    Worker.objects.create(run=watcher.run, slot=0, epoch=2, part=1)
    watcher.look()
    assert scene.backend.launched == [0, 1]
    assert set(Worker.objects.filter(epoch=2).values_list("reference", flat=True)) == {"fake:0", "fake:1"}


def test_one_that_cannot_be_started_is_lost_and_its_slot_goes_on_with_the_slice_after() -> None:
    scene, watcher, fakes, t0 = sliced()
    scene.backend.breaks_at = {1: LaunchFailed("No concurrency left.")}
    work(scene, fakes, t0, 80, begin=70)
    watcher.look()
    assert Worker.objects.get(slot=1, epoch=2).message == "It could not be started: No concurrency left."
    scene.backend.breaks_at = {}
    work(scene, fakes, t0, 200, begin=80)
    assert rows(watcher.look())[-1] == (1, 3, 2, "launched")


def test_a_lost_slice_is_replaced_and_that_counts_as_one_replacement() -> None:
    scene, watcher, fakes, t0 = sliced(on_worker_loss=OnWorkerLoss.REPLACE)
    work(scene, fakes, t0, 80, begin=70)
    watcher.look()
    seconds = successors(scene, fakes)
    work(scene, seconds, t0, 130, begin=120)
    watcher.look()
    for epoch in (3, 4):
        scene.backend.status[1] = WorkerStatus.GONE
        run = watcher.look()
        scene.backend.status[1] = WorkerStatus.ALIVE
        assert rows(run)[-1] == (1, epoch, 1, "launched")
    assigned = scene.store(run).assignment(1, 4)
    assert assigned
    assert (assigned.begins, assigned.ends) == (timedelta(seconds=120), timedelta(seconds=240))


def test_a_successor_that_fails_before_its_time_ends_nobody_elses_work() -> None:
    scene, watcher, fakes, t0 = sliced(1)
    work(scene, fakes, t0, 80, begin=70)
    watcher.look()
    successors(scene, fakes)[0].done(DoneReason.ENGINE_FAILED, message="No memory.")
    assert watcher.look().state == RunState.RUNNING
    work(scene, fakes, t0, 120, begin=80)
    scene.clock.sleep(15)
    run = watcher.look()
    assert (run.state, run.end_reason, run.message) == (RunState.COLLECTING, EndReason.WORKERS_LOST, "No memory.")


@pytest.mark.parametrize("reason", [DoneReason.SCRIPT_ERROR, DoneReason.STOPPED])
def test_a_script_that_failed_is_not_tried_again(reason: DoneReason) -> None:
    scene, watcher, fakes, t0 = sliced()
    fakes[1].done(reason, message="No such function.")
    work(scene, fakes[:1], t0, 80, begin=70)
    watcher.look()
    assert scene.backend.launched == [0]


def test_a_run_that_is_being_stopped_is_followed_by_nobody() -> None:
    scene, watcher, fakes, t0 = sliced()
    Run.objects.filter(pk=watcher.run.id).update(state=RunState.STOPPING, end_reason=EndReason.STOPPED_BY_USER)
    work(scene, fakes, t0, 80, begin=70)
    watcher.look()
    assert scene.backend.launched == []


def test_one_that_waits_in_silence_is_missed_only_after_its_second() -> None:
    scene, watcher, fakes, t0 = sliced()
    work(scene, fakes, t0, 80, begin=70)
    look(watcher)
    work(scene, fakes, t0, 130, begin=80)
    assert rows(watcher.look())[1] == (0, 2, 1, "launched"), "50 s of silence, as planned"
    scene.clock.sleep(10)
    successors(scene, fakes)[0].beat()
    assert [row[3] for row in rows(watcher.look()) if row[1] == 2] == ["running", "lost"]

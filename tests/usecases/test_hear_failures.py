"""What a platform says of workers it gave up: noted once, believed unless somebody works, and answered as the run asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from portal.core.aws_place import AwsPlace
from portal.core.failed_call import FailedCall
from portal.core.loss import OnWorkerLoss
from portal.core.ports import Backend
from portal.core.protocol import DoneReason
from portal.core.run_state import EndReason, RunState
from portal.models import Run, RunEvent, Worker
from portal.usecases.census import CLOCKS_SECONDS, SILENT_SECONDS, TWIN_SECONDS
from portal.usecases.hear_failures import note_failure, sweep_failures
from portal.wiring import Parts
from tests.backends.lambda_place import LambdaWorld, a_record
from tests.builders import an_environment
from tests.usecases.parts import FakeBackend, Scene
from tests.usecases.watching import Watcher, launching, running
from tests.usecases.workers import FakeWorker, states_of

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
WHY = "AWS Lambda: the call failed: WorkerFailed."


@dataclass
class TellingBackend(FakeBackend):
    """Tells of failures until they are noted."""

    told: list[FailedCall] = field(default_factory=list)

    def failures(self, note: Callable[[FailedCall], bool]) -> None:
        self.told = [call for call in self.told if not note(call)]


def under_load(policy: OnWorkerLoss, workers: int = 2) -> tuple[TellingBackend, Watcher, tuple[FakeWorker, ...]]:
    """Ten seconds into a minute of load."""
    scene, watcher, fakes, t0 = running(workers, on_worker_loss=policy, duration=MINUTE)
    scene.backend = backend = TellingBackend()
    scene.clock.sleep(10)
    for worker in fakes:
        worker.measure(t0, t0 + 10)
        worker.beat()
    watcher.look()
    return backend, watcher, fakes


def failed(watcher: Watcher, slot: int = 1, epoch: int = 1, **fields: object) -> FailedCall:
    call = FailedCall(watcher.run.id, slot, epoch, watcher.scene.clock.now(), WHY)
    return replace(call, **fields)  # type: ignore[arg-type]  # mypy: fields by name


def after(seconds: float, watcher: Watcher, *alive: FakeWorker) -> Run:
    watcher.scene.clock.sleep(seconds)
    for worker in alive:
        worker.beat()
    return watcher.look()


def test_a_worker_is_lost_with_the_reason_long_before_its_silence_would_tell() -> None:
    backend, watcher, (first, _) = under_load(OnWorkerLoss.CONTINUE)
    backend.told = [failed(watcher)]
    run = watcher.look()
    assert (states_of(run), backend.told) == (["running", "running"], []), "its twin may be at work, and say so soon"
    run = after(TWIN_SECONDS + 0.1, watcher, first)
    assert (run.state, states_of(run)) == (RunState.RUNNING, ["running", "lost"])
    assert Worker.objects.get(run=run, slot=1).message == WHY
    assert TWIN_SECONDS + 1 < SILENT_SECONDS / 2
    assert list(RunEvent.objects.filter(run=run, text__contains="Lambda").values_list("text", flat=True)) == [f"Worker 1: {WHY}"]


def test_a_call_that_was_taken_twice_and_given_up_once_is_no_loss() -> None:
    backend, watcher, fakes = under_load(OnWorkerLoss.REPLACE)
    backend.told = [failed(watcher)]
    watcher.look()
    for _ in range(4):
        run = after(3.0, watcher, *fakes)
    assert (states_of(run), backend.launched) == (["running", "running"], [])
    run = after(SILENT_SECONDS + 0.5, watcher, fakes[0])
    assert states_of(run)[1] == "lost"
    assert "No sign of life" in Worker.objects.get(run=run, slot=1, epoch=1).message, "what was said of its twin is not its end"


def test_a_lost_slot_is_given_to_another_worker_within_seconds() -> None:
    backend, watcher, (first, _) = under_load(OnWorkerLoss.REPLACE)
    backend.told = [failed(watcher)]
    watcher.look()
    run = after(TWIN_SECONDS + 0.1, watcher, first)
    assert backend.launched == [1]
    rows = [(row.slot, row.epoch, row.state) for row in Worker.objects.filter(run=run)]
    assert rows == [(0, 1, "running"), (1, 1, "lost"), (1, 2, "launched")]


def test_an_abort_says_what_the_platform_said() -> None:
    backend, watcher, (first, _) = under_load(OnWorkerLoss.ABORT)
    backend.told = [failed(watcher)]
    watcher.look()
    run = after(TWIN_SECONDS + 0.1, watcher, first)
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.WORKERS_LOST)
    assert run.message.startswith(f"Worker 1 was lost: {WHY} The run was stopped for it")


def test_a_worker_that_never_spoke_is_missed_at_once_and_the_launch_ends_with_the_reason() -> None:
    scene, watcher, (first, _) = launching(2)
    scene.backend = TellingBackend(told=[failed(watcher)])
    first.ready()
    run = watcher.look()
    assert (run.state, run.end_reason, run.message) == (RunState.STOPPING, EndReason.LAUNCH_FAILED, WHY)


def test_a_worker_s_own_last_word_stands() -> None:
    backend, watcher, (first, second) = under_load(OnWorkerLoss.REPLACE)
    second.done(DoneReason.SCRIPT_ERROR, message="TypeError: x")
    backend.told = [failed(watcher)]
    run = after(TWIN_SECONDS + 0.1, watcher, first)
    row = Worker.objects.get(run=run, slot=1)
    assert (row.state, row.message, row.failure) == ("done", "script error. TypeError: x", WHY)


def test_a_record_that_comes_again_doubles_nothing() -> None:
    backend, watcher, (first, _) = under_load(OnWorkerLoss.REPLACE)
    for _ in range(3):
        backend.told = [failed(watcher), failed(watcher, at=1.0, why="AWS Lambda: another word.")]
        run = after(TWIN_SECONDS + 0.1, watcher, first)
    assert backend.launched == [1]
    assert RunEvent.objects.filter(run=run, text__contains="Lambda").count() == 1
    assert Worker.objects.get(run=run, slot=1, epoch=1).message == WHY


def test_records_of_other_runs_and_former_workers_are_forgotten() -> None:
    _, watcher, _ = under_load(OnWorkerLoss.CONTINUE)
    assert note_failure(failed(watcher, run="of-another-portal"))
    assert note_failure(failed(watcher, slot=7)), "no slot of this run"
    assert note_failure(failed(watcher, epoch=9))
    Run.objects.filter(pk=watcher.run.id).update(state=RunState.ENDED)
    assert note_failure(failed(watcher))
    assert not Worker.objects.exclude(failure="").exists()
    assert not RunEvent.objects.filter(text__contains="Lambda").exists()


def test_what_is_told_before_the_worker_has_a_row_is_kept_for_later() -> None:
    _, watcher, _ = launching(2)
    row = Worker.objects.get(run=watcher.run, slot=1)
    row.delete()
    assert not note_failure(failed(watcher))
    Worker.objects.create(run=watcher.run, slot=1, reference="r-1")
    assert note_failure(failed(watcher))
    assert Worker.objects.get(run=watcher.run, slot=1).failure == WHY


def test_clocks_that_differ_a_little_make_no_twin_of_a_dead_worker() -> None:
    backend, watcher, (first, _) = under_load(OnWorkerLoss.CONTINUE)
    beaten = Worker.objects.get(run=watcher.run, slot=1).last_beat
    assert beaten is not None
    backend.told = [failed(watcher, at=beaten.timestamp() - CLOCKS_SECONDS / 2)]
    assert states_of(after(TWIN_SECONDS + 0.1, watcher, first)) == ["running", "lost"]


def test_the_sweep_clears_the_queues_of_places_where_no_run_goes_on() -> None:
    world = LambdaWorld()
    place = {"region": "eu-central-1", "bucket": "results", "function": "runner", "queue_url": "https://sqs.example/failed"}
    an_environment("dev", place="aws", aws=place)
    an_environment("no-queue", place="aws", aws={**place, "queue_url": ""})
    world.queue.put(a_record(1.0, run="long-over", slot=0, epoch=1))
    opened: list[str] = []

    def backend(place: AwsPlace | None, name: str) -> Backend:
        assert place is not None
        opened.append(f"{name} {place.queue_url}")
        return world.backend()

    parts: Parts = replace(Scene().parts, backend=backend)
    sweep_failures(parts)
    assert (world.queue.bodies, opened) == ({}, ["lambda https://sqs.example/failed"])

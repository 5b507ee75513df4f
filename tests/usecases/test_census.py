"""What becomes of a worker, from what it says, what its backend says, and how long it has been silent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason, WorkerPhase
from portal.core.run_state import RunState
from portal.models import Run, Worker
from portal.usecases.census import HUNG_SECONDS, SILENT_SECONDS, Census, take_census
from tests.usecases.parts import Scene
from tests.usecases.workers import FakeWorker, workers_of

pytestmark = pytest.mark.django_db


def one_worker() -> tuple[Scene, Run, FakeWorker]:
    scene = Scene()
    run = scene.run(RunState.LAUNCHING, workers=1)
    (worker,) = workers_of(scene, run)
    # Rows are stamped by the real clock; here the one that stands counts.
    Worker.objects.update(launched=datetime.fromtimestamp(scene.clock.now(), UTC))
    return scene, run, worker


def taken(scene: Scene, run: Run, heard_since: float = 0.0) -> Census:
    return take_census(run, scene.store(run), scene.backend, scene.clock.now(), heard_since=heard_since)


def test_a_worker_goes_from_launched_over_ready_and_running_to_done() -> None:
    scene, run, worker = one_worker()
    found = [taken(scene, run).states[0]]
    for step in (worker.ready, worker.beat, worker.done):
        step()
        found.append(taken(scene, run).states[0])
    assert found == ["launched", "ready", "running", "done"]
    assert Worker.objects.get().message == "completed."


def test_draining_is_still_running_and_starting_is_not_ready() -> None:
    scene, run, worker = one_worker()
    worker.beat(WorkerPhase.STARTING)
    assert taken(scene, run).states[0] == "launched"
    worker.ready()
    worker.beat(WorkerPhase.DRAINING)
    assert taken(scene, run).states[0] == "running"


def test_a_worker_that_says_done_and_exits_is_done_not_lost() -> None:
    scene, run, worker = one_worker()
    scene.backend.status[0] = WorkerStatus.GONE
    worker.done(DoneReason.SCRIPT_ERROR, message="TypeError: x")
    census = taken(scene, run)
    assert (census.states[0], census.lost, Worker.objects.get().message) == ("done", (), "script error. TypeError: x")


@pytest.mark.parametrize(("status", "patience"), [(WorkerStatus.ALIVE, HUNG_SECONDS), (WorkerStatus.UNKNOWN, SILENT_SECONDS)])
def test_silence_is_borne_longer_where_the_backend_vouches_for_the_worker(status: WorkerStatus, patience: float) -> None:
    scene, run, worker = one_worker()
    scene.backend.status[0] = status
    worker.beat()
    scene.clock.sleep(patience)
    assert taken(scene, run).states[0] == "running"
    scene.clock.sleep(1)
    assert taken(scene, run).states[0] == "lost"
    assert "No sign of life" in Worker.objects.get().message


def test_a_worker_that_never_spoke_has_been_silent_since_its_launch() -> None:
    scene, run, _ = one_worker()
    scene.clock.sleep(HUNG_SECONDS + 1)
    assert taken(scene, run).lost == (0,)


def test_silence_does_not_count_while_nobody_could_be_heard() -> None:
    scene, run, worker = one_worker()
    worker.beat()
    scene.clock.sleep(HUNG_SECONDS * 2)
    assert taken(scene, run, heard_since=scene.clock.now() - 1).lost == ()


def test_a_lost_worker_stays_lost_unless_it_says_done_after_all() -> None:
    scene, run, worker = one_worker()
    scene.backend.status[0] = WorkerStatus.GONE
    taken(scene, run)
    scene.backend.status[0] = WorkerStatus.ALIVE
    worker.beat()
    assert taken(scene, run).states[0] == "lost"
    worker.done()
    assert taken(scene, run).states[0] == "done"


@pytest.mark.parametrize("reason", list(DoneReason))
def test_whose_load_is_missing_is_lost(reason: DoneReason) -> None:
    scene, run, worker = one_worker()
    worker.done(reason)
    broken = {DoneReason.NOT_STARTED, DoneReason.CONTROLLER_LOST, DoneReason.ENGINE_FAILED, DoneReason.STORE_FAILED}
    census = taken(scene, run)
    assert (census.lost == (0,)) == (reason in broken)
    assert census.all_over


def test_workers_not_launched_yet_keep_a_run_from_being_ready() -> None:
    scene = Scene()
    run = scene.run(RunState.LAUNCHING, workers=3)
    for worker in workers_of(scene, run, 2):
        worker.ready()
    census = taken(scene, run)
    assert (census.all_ready, census.expected, census.counts()["ready"]) == (False, 3, 2)


def test_the_same_sentence_of_many_workers_is_said_once() -> None:
    scene = Scene()
    run = scene.run(RunState.RUNNING, workers=3)
    for worker in workers_of(scene, run):
        worker.done(DoneReason.SCRIPT_ERROR, message="TypeError: x")
    assert taken(scene, run).messages(DoneReason.SCRIPT_ERROR) == ("TypeError: x",)

"""What becomes of a worker, from what it says, what its backend says, and how long it has been silent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal.core.errors import StoreFull
from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason, WorkerPhase
from portal.core.run_state import RunState
from portal.models import Run, Worker
from portal.usecases.census import FIRST_WORD_SECONDS, SILENT_SECONDS, Census, take_census
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


@pytest.mark.parametrize("status", [WorkerStatus.ALIVE, WorkerStatus.UNKNOWN])
def test_a_silent_worker_is_lost_within_fifteen_seconds_also_when_its_process_lives(status: WorkerStatus) -> None:
    scene, run, worker = one_worker()
    scene.backend.status[0] = status
    worker.beat()
    scene.clock.sleep(SILENT_SECONDS)
    assert taken(scene, run).states[0] == "running"
    scene.clock.sleep(1)
    assert taken(scene, run).states[0] == "lost"
    assert SILENT_SECONDS + 1 <= 15
    assert "No sign of life" in Worker.objects.get().message


def test_a_platform_may_take_its_time_until_a_worker_speaks_for_the_first_time() -> None:
    scene, run, _ = one_worker()
    scene.clock.sleep(FIRST_WORD_SECONDS)
    assert taken(scene, run).lost == ()
    scene.clock.sleep(1)
    assert taken(scene, run).lost == (0,)


def test_nobody_is_lost_for_a_store_that_takes_no_beats() -> None:
    scene, run, worker = one_worker()
    worker.beat()
    scene.clock.sleep(SILENT_SECONDS + 1)
    scene.objects.error, scene.objects.only = StoreFull("No room left."), "pulse"
    with pytest.raises(StoreFull):
        taken(scene, run)
    assert Worker.objects.get().state == "launched"


def test_a_slot_is_what_its_newest_worker_is() -> None:
    scene, run, worker = one_worker()
    worker.beat()
    scene.backend.status[0] = WorkerStatus.GONE
    assert taken(scene, run).lost == (0,)
    second = worker.replaced()
    scene.backend.status[0] = WorkerStatus.ALIVE
    census = taken(scene, run)
    assert (census.states, census.lost, census.all_over) == ({0: "launched"}, (), False)
    assert [(row.epoch, row.state) for row in (*census.former, *census.rows)] == [(1, "lost"), (2, "launched")]
    second.ready()
    assert taken(scene, run).states[0] == "ready"
    second.beat()
    assert taken(scene, run).states[0] == "running"
    worker.beat()
    scene.clock.sleep(2)
    assert taken(scene, run).states[0] == "ready", "an old worker's beat is nobody's"
    worker.done(DoneReason.SUPERSEDED)
    assert taken(scene, run).dones == {}
    assert Worker.objects.get(epoch=1).message.endswith("It came back and ended by itself.")
    second.done()
    census = taken(scene, run)
    assert (census.all_over, census.lost, census.dones[0].epoch) == (True, (), 2)


def test_a_worker_nobody_could_note_the_reference_of_is_known_by_its_beats() -> None:
    scene, run, worker = one_worker()
    scene.backend.status[0] = WorkerStatus.GONE
    second = worker.replaced(reference="")
    assert taken(scene, run).states[0] == "launched"
    second.beat()
    scene.clock.sleep(SILENT_SECONDS + 1)
    assert taken(scene, run).lost == (0,)


def test_silence_does_not_count_while_nobody_could_be_heard() -> None:
    scene, run, worker = one_worker()
    worker.beat()
    scene.clock.sleep(SILENT_SECONDS * 2)
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
    broken = {
        DoneReason.NOT_STARTED, DoneReason.CONTROLLER_LOST, DoneReason.ENGINE_FAILED, DoneReason.STORE_FAILED,
        DoneReason.SUPERSEDED,
    }  # fmt: skip
    census = taken(scene, run)
    assert (census.lost == (0,)) == (reason in broken)
    assert (census.failed == (0,)) == (reason in {*broken, DoneReason.TERMINATED})
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


def test_one_that_says_that_it_is_taken_away_needs_a_replacement_while_it_runs_and_ends_as_it_says() -> None:
    scene, run, worker = one_worker()
    worker.beat(WorkerPhase.LEAVING)
    census = taken(scene, run)
    assert (census.states[0], census.failed) == ("running", (0,))
    worker.replaced()
    assert taken(scene, run).failed == ()
    worker.done(DoneReason.TERMINATED, message="Another went on at 0:20.")
    taken(scene, run)
    former = Worker.objects.get(epoch=1)
    assert (former.state, former.message) == ("done", "terminated. Another went on at 0:20.")

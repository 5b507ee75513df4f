"""From a queued run to started workers: everything in the store once, every worker once, however often it is asked."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from fractions import Fraction

import pytest
from django.db import connection

from portal.core.errors import LaunchFailed, Problem, ScriptInvalid, StoreUnavailable
from portal.core.load import ClosedLoad, ScriptLoad
from portal.core.run_state import EndReason, RunState
from portal.models import Run, Worker
from portal.usecases.launch_run import BATCH, MOST_ATTEMPTS, launch_run
from portal.usecases.stop_run import stop_run
from tests.builders import ADA, a_plan
from tests.usecases.parts import FakeBackend, FakeEngine, Scene, jobs

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process dies here; no `except Exception` gets to see it."""


def slots(run: Run) -> list[int]:
    return list(Worker.objects.filter(run=run).values_list("slot", flat=True))


def state(run: Run) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.end_reason


def free_lease(run: Run) -> None:
    """As if the time of a dead owner had run out."""
    Run.objects.filter(pk=run.id).update(lease_until=0)


def test_a_queued_run_gets_its_bundle_plan_assignments_and_workers() -> None:
    scene = Scene()
    run = scene.run(workers=4, bundle_digest="")
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.LAUNCHING, "")
    store = scene.store(run)
    bundle, plan = store.bundle(), store.plan()
    assert bundle
    assert plan
    assert plan.bundle_digest == hashlib.sha256(bundle).hexdigest()
    assert run.load_plan() == plan
    assignments = [store.assignment(slot, 1) for slot in range(4)]
    assert all(found and found.plan == plan for found in assignments)
    assert sum((found.segment.end - found.segment.start for found in assignments if found), Fraction()) == 1
    assert slots(run) == scene.backend.launched == [0, 1, 2, 3]
    assert [row.handle().reference for row in Worker.objects.filter(run=run)] == ["fake:0", "fake:1", "fake:2", "fake:3"]
    assert store.last_pulse(), "workers must not find a controller that was never there"


def test_the_lease_is_free_afterwards_for_the_ticker() -> None:
    scene = Scene()
    run = scene.run()
    launch_run(run.id, scene.parts)
    assert run.id in Run.objects.due(scene.clock.now()).values_list("id", flat=True)


def test_the_asked_load_replaces_the_script_s_and_the_script_s_own_stays_untouched() -> None:
    scene, asked = Scene(), a_plan().load
    launch_run(scene.run(load=asked).id, scene.parts)
    launch_run(scene.run(load=ScriptLoad(None, 2, 2)).id, scene.parts)
    assert scene.engine.overrides == [asked, None]
    assert isinstance(asked, ClosedLoad)


def test_a_redelivered_launch_doubles_nothing_and_ends_nothing() -> None:
    scene = Scene()
    run = scene.run(workers=3)
    for _ in range(MOST_ATTEMPTS + 3):
        launch_run(run.id, scene.parts)
    assert state(run) == (RunState.LAUNCHING, "")
    assert slots(run) == scene.backend.launched == [0, 1, 2]
    assert len(scene.engine.overrides) == 1, "the script is archived once"


def test_a_launch_that_died_after_half_the_workers_starts_only_the_missing() -> None:
    scene = Scene(backend=FakeBackend(breaks_at={BATCH: Killed()}))
    run = scene.run(workers=2 * BATCH)
    with pytest.raises(Killed):
        launch_run(run.id, scene.parts)
    assert slots(run) == list(range(BATCH))
    scene.backend.breaks_at = {}
    free_lease(run)
    launch_run(run.id, scene.parts)
    assert slots(run) == scene.backend.launched == list(range(2 * BATCH))


def test_a_launch_that_died_while_it_prepared_begins_anew_with_equal_bytes() -> None:
    scene = Scene(backend=FakeBackend(breaks_at={0: Killed()}))
    run = scene.run(workers=2, bundle_digest="")
    with pytest.raises(Killed):
        launch_run(run.id, scene.parts)
    before = {key: scene.objects.get(key) for key in scene.objects.list("") if "pulse" not in key}
    Run.objects.filter(pk=run.id).update(state=RunState.PLANNING, lease_until=0)
    scene.backend.breaks_at = {}
    launch_run(run.id, scene.parts)
    assert {key: scene.objects.get(key) for key in before} == before
    assert slots(run) == [0, 1]


def test_a_launch_that_never_comes_through_is_given_up() -> None:
    scene = Scene(backend=FakeBackend(breaks_at={1: Killed()}))
    run = scene.run(workers=2)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(Killed):
            launch_run(run.id, scene.parts)
        free_lease(run)
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.STOPPING, EndReason.LAUNCH_FAILED)
    assert "3 attempts" in run.message
    assert scene.store(run).stop_asked(), "workers that were started without being noted end too"


def test_a_lease_that_another_process_holds_is_respected() -> None:
    scene = Scene()
    run = scene.run(RunState.PLANNING, columns={"lease_owner": "launch:other", "lease_until": scene.clock.now() + 10})
    launch_run(run.id, scene.parts)
    assert (state(run)[0], scene.backend.launched) == (RunState.PLANNING, [])
    scene.clock.sleep(11)
    launch_run(run.id, scene.parts)
    assert state(run)[0] == RunState.LAUNCHING


@pytest.mark.parametrize("over", [RunState.READY, RunState.RUNNING, RunState.STOPPING, RunState.COLLECTING, RunState.ENDED])
def test_a_run_that_is_further_on_is_left_alone(over: RunState) -> None:
    scene = Scene()
    run = scene.run(over)
    launch_run(run.id, scene.parts)
    assert (state(run)[0], scene.backend.launched, scene.objects.list("")) == (over, [], ())


def test_a_stop_while_the_script_is_archived_launches_nothing() -> None:
    scene = Scene()
    run = scene.run()
    scene.engine.before_bundle = lambda: stop_run(run.id, scene.parts, by=ADA)
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER)
    assert (scene.backend.launched, jobs()) == ([], [("finish", (run.id,))])


def test_a_stop_between_two_batches_launches_no_further_worker() -> None:
    scene = Scene()
    run = scene.run(workers=2 * BATCH)
    scene.backend.before_launch = lambda: stop_run(run.id, scene.parts, by=ADA)
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.STOPPING, EndReason.STOPPED_BY_USER)
    assert slots(run) == list(range(BATCH))


def test_a_backend_that_cannot_launch_ends_the_run_with_its_words() -> None:
    scene = Scene(backend=FakeBackend(breaks_at={0: LaunchFailed("No capacity in eu-central-1.")}))
    run = scene.run()
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.STOPPING, EndReason.LAUNCH_FAILED)
    assert run.message == "No capacity in eu-central-1."


def test_a_backend_that_launches_some_ends_the_run_and_tells_those_to_stop() -> None:
    scene = Scene(backend=FakeBackend(breaks_at={BATCH + 1: LaunchFailed("Out of memory.")}))
    run = scene.run(workers=2 * BATCH)
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.STOPPING, EndReason.LAUNCH_FAILED)
    assert slots(run) == list(range(BATCH))
    stop = scene.store(run).stop_asked()
    assert stop
    assert (stop.reason, stop.message) == (EndReason.LAUNCH_FAILED, "Out of memory.")


def test_a_script_that_cannot_be_archived_is_a_script_error_in_the_engine_s_words() -> None:
    scene = Scene(engine=FakeEngine(error=ScriptInvalid([Problem("script", "Cannot find module ./lib.js")])))
    run = scene.run()
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.COLLECTING, EndReason.SCRIPT_ERROR)
    assert "Cannot find module ./lib.js" in run.message
    assert jobs() == [("finish", (run.id,))]


def test_a_store_that_is_away_ends_the_launch_with_its_words() -> None:
    scene = Scene()
    run = scene.run()
    scene.objects.error = StoreUnavailable("The bucket does not answer.")
    launch_run(run.id, scene.parts)
    assert state(run) == (RunState.COLLECTING, EndReason.LAUNCH_FAILED)
    assert "bucket" in run.message


@pytest.mark.django_db(transaction=True)
def test_of_two_launches_at_once_one_launches() -> None:
    first_is_in, second_is_out = threading.Event(), threading.Event()
    scene = Scene()
    run = scene.run(workers=2)

    def launching() -> None:
        first_is_in.set()
        assert second_is_out.wait(20)

    def first() -> None:
        try:
            launch_run(run.id, replace(scene.parts, owner="first"))
        finally:
            connection.close()

    scene.engine.before_bundle = launching
    thread = threading.Thread(target=first)
    thread.start()
    assert first_is_in.wait(20)
    launch_run(run.id, replace(scene.parts, owner="second"))
    assert scene.backend.launched == []
    second_is_out.set()
    thread.join()
    assert scene.backend.launched == slots(run) == [0, 1]
    assert state(run) == (RunState.LAUNCHING, "")

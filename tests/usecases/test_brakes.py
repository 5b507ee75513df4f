"""A second person's approval of one plan, and the switch that stops everything."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.core.access import Action, Actor, Way
from portal.core.errors import Conflict, Forbidden, NotFound
from portal.core.recheck import plan_digest
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import AuditEntry, KillSwitch, Run
from portal.models.audit import Deed
from portal.usecases.approve_run import approve_run
from portal.usecases.expire_approvals import APPROVED_WITHIN, TOO_LATE
from portal.usecases.finish_run import finish_run
from portal.usecases.flip_kill_switch import lift_kill_switch, stop_everything
from portal.usecases.launch_run import launch_run
from portal.usecases.request_run import request_run
from portal.usecases.stop_run import stop_run
from portal.usecases.sweep_runs import sweep_runs
from tests.builders import ADA, BOB, a_request, a_run, a_scenario, an_environment
from tests.usecases.parts import Scene, jobs

pytestmark = pytest.mark.django_db
RUNNER = Actor("eve", Way.TOKEN, frozenset({Action.READ, Action.RUN, Action.STOP}))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def waiting(scene: Scene) -> Run:
    a_scenario()
    an_environment(requires_approval=True)
    run = request_run(a_request(), scene.parts, by=ADA)
    launch_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, scene.backend.launched) == (RunState.AWAITING_APPROVAL, [])
    return run


def test_a_run_waits_and_starts_when_a_second_person_approves_its_plan(scene: Scene) -> None:
    run = waiting(scene)
    approved = approve_run(run.id, plan_digest(run.load_plan()), by=BOB)
    assert (approved.state, approved.approved_by) == (RunState.LAUNCHING, "bob")
    assert ("launch", (run.id,)) in jobs()
    launch_run(run.id, scene.parts)
    assert scene.backend.launched
    assert AuditEntry.objects.get(deed=Deed.RUN_APPROVED).who == "bob"


def test_nobody_approves_their_own_run_or_without_the_role(scene: Scene) -> None:
    run = waiting(scene)
    digest = plan_digest(run.load_plan())
    for actor in (ADA, RUNNER):
        with pytest.raises(Forbidden):
            approve_run(run.id, digest, by=actor)
    with pytest.raises(NotFound):
        approve_run(run.id, digest, by=replace(BOB, environments=frozenset({"other"})))


def test_the_approval_is_for_the_plan_that_was_seen(scene: Scene) -> None:
    run = waiting(scene)
    seen = plan_digest(run.load_plan())
    Run.objects.filter(pk=run.id).update(plan=to_plain(replace(run.load_plan(), workers=9)))
    with pytest.raises(Conflict):
        approve_run(run.id, seen, by=BOB)


def test_it_is_given_once_and_not_for_a_run_that_was_stopped(scene: Scene) -> None:
    run = waiting(scene)
    digest = plan_digest(run.load_plan())
    approve_run(run.id, digest, by=BOB)
    with pytest.raises(Conflict):
        approve_run(run.id, digest, by=BOB)
    other = a_run(state=RunState.AWAITING_APPROVAL)
    stop_run(other.id, scene.parts, by=ADA)
    with pytest.raises(Conflict):
        approve_run(other.id, plan_digest(other.load_plan()), by=BOB)


def test_a_run_nobody_approves_for_a_day_ends_as_rejected_and_starts_nothing(scene: Scene) -> None:
    run = waiting(scene)
    fresh = a_run(state=RunState.AWAITING_APPROVAL, environment=run.environment)
    digest = plan_digest(run.load_plan())
    since = timezone.now() - APPROVED_WITHIN - timedelta(seconds=1)
    Run.objects.filter(pk=run.id).update(state_since=since)
    with pytest.raises(Conflict, match="within 24 hours"):
        approve_run(run.id, digest, by=BOB)
    for _ in range(2):
        sweep_runs(scene.parts)
    run.refresh_from_db()
    assert (run.state, run.end_reason, run.message) == (RunState.COLLECTING, EndReason.REJECTED, TOO_LATE)
    assert jobs().count(("finish", (run.id,))) == 1
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict, scene.backend.launched) == (RunState.ENDED, Outcome.INCONCLUSIVE, [])
    fresh.refresh_from_db()
    assert fresh.state == RunState.AWAITING_APPROVAL


def test_everything_that_is_alive_stops_hard_and_nothing_starts_until_lifted(scene: Scene) -> None:
    queued, running = scene.run(), scene.run(RunState.RUNNING)
    assert stop_everything(scene.parts, by=RUNNER, reason="the shop is down") == 2
    for run, state in ((queued, RunState.COLLECTING), (running, RunState.STOPPING)):
        run.refresh_from_db()
        assert (run.state, run.end_reason) == (state, EndReason.STOPPED_BY_USER)
    stop = scene.store(running).stop_asked()
    assert stop is not None
    assert stop.hard
    with pytest.raises(Conflict, match="the shop is down"):
        request_run(a_request(), scene.parts, by=ADA)
    assert lift_kill_switch(by=ADA)
    assert request_run(a_request(), scene.parts, by=ADA).state == RunState.QUEUED
    assert {entry.deed for entry in AuditEntry.objects.all()} >= {Deed.KILL_SWITCH_ON, Deed.KILL_SWITCH_OFF}


def test_a_run_that_slipped_in_between_is_not_launched(scene: Scene) -> None:
    a_scenario()
    an_environment()
    run = request_run(a_request(), scene.parts, by=ADA)
    KillSwitch.objects.create(by="bob", at=run.created)
    launch_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.end_reason, scene.backend.launched) == (EndReason.REJECTED, [])


def test_lifting_is_for_administrators_and_stopping_all_not_for_the_limited(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        stop_everything(scene.parts, by=replace(RUNNER, environments=frozenset({"a"})))
    stop_everything(scene.parts, by=RUNNER)
    with pytest.raises(Forbidden):
        lift_kill_switch(by=RUNNER)

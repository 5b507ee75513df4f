"""Machines that work for runs that are over: found by asking AWS, ended, and told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.aws.errors import AwsThrottled
from portal.core.aws_place import AwsPlace
from portal.core.ports import Backend
from portal.core.run_state import RunState
from portal.models import Run
from portal.models.capacity import DatabaseLedger
from portal.stores.pool import PresenceState
from portal.usecases.note_places import note_later_places, note_places
from portal.usecases.sweep_orphans import CALM, sweep_orphans
from portal.wiring import Parts
from tests.backends.places import Ec2World, FargateWorld
from tests.backends.test_local import PLAN
from tests.builders import a_run, an_environment
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db
AWS = {"region": "eu-central-1", "bucket": "results", "cluster": "load", "task_definition": "t", "subnets": ["s"],
       "worker_group": "workers"}  # fmt: skip


class Cloud:
    """An environment with both backends, and a run `run1` that ended a while ago."""

    def __init__(self) -> None:
        self.scene, self.fargate, self.ec2 = Scene(), FargateWorld(), Ec2World()
        environment = an_environment("dev", place="aws", aws=AWS)
        ended = timezone.now() - CALM - timedelta(seconds=1)
        a_run(id="run1", environment=environment, aws=AWS, state=RunState.ENDED, ended=ended)

    @property
    def parts(self) -> Parts:
        def backend(place: AwsPlace | None, name: str) -> Backend:
            return self.fargate.backend() if name == "fargate" else self.ec2.backend()

        return replace(self.scene.parts, backend=backend)


def test_a_task_whose_run_is_over_is_stopped_and_the_alarm_raised() -> None:
    cloud = Cloud()
    cloud.fargate.backend().launch(PLAN, (0, 1), 1)
    sweep_orphans(cloud.parts)
    assert len(cloud.fargate.stopped) == 2
    assert cloud.scene.announcer.measured == [({"Orphans": (2, "Count")}, {"Environment": "dev"})]
    sweep_orphans(cloud.parts)
    assert (len(cloud.fargate.stopped), len(cloud.scene.announcer.measured)) == (2, 1)


def test_tasks_of_runs_that_go_on_or_ended_just_now_or_are_not_ours_are_left_alone() -> None:
    cloud = Cloud()
    cloud.fargate.backend().launch(replace(PLAN, run_id="of-another-portal"), (0,), 1)
    cloud.fargate.backend().launch(PLAN, (0,), 1)
    Run.objects.filter(pk="run1").update(ended=timezone.now())
    sweep_orphans(cloud.parts)
    Run.objects.filter(pk="run1").update(state=RunState.RUNNING, ended=None)
    sweep_orphans(cloud.parts)
    assert cloud.fargate.stopped == []


def test_an_instance_that_works_for_a_run_that_is_over_is_ended_and_what_the_run_held_is_free() -> None:
    cloud = Cloud()
    (handle,) = cloud.ec2.backend().launch(PLAN, (0,), 1)
    cloud.ec2.begin(handle)
    cloud.ec2.say("i-3")
    sweep_orphans(cloud.parts)
    assert (cloud.ec2.ended, cloud.ec2.ledger.holds, cloud.ec2.pool.open_calls()) == (["i-0"], {}, ())


def test_an_instance_that_is_on_its_way_out_is_ended_too_and_a_silent_one_is_not() -> None:
    cloud = Cloud()
    handles = cloud.ec2.backend().launch(PLAN, (0, 1), 1)
    cloud.ec2.begin(handles[0])
    cloud.ec2.clock.advance(60)
    cloud.ec2.begin(handles[1])
    cloud.ec2.say("i-1", PresenceState.DRAINING, handles[1])
    sweep_orphans(cloud.parts)
    assert cloud.ec2.ended == ["i-1"]


def test_a_place_that_does_not_answer_keeps_no_other_from_being_swept() -> None:
    cloud = Cloud()
    cloud.fargate.backend().launch(PLAN, (0,), 1)
    cloud.fargate.away = AwsThrottled("No.", operation="ecs:DescribeTasks", reason="ThrottlingException")
    (handle,) = cloud.ec2.backend().launch(PLAN, (0,), 1)
    cloud.ec2.begin(handle)
    sweep_orphans(cloud.parts)
    assert (cloud.fargate.stopped, cloud.ec2.ended) == ([], ["i-0"])


def test_where_workers_run_is_noted_and_their_zones_are_told() -> None:
    world = Ec2World()
    handles = world.backend().launch(PLAN, (0, 1, 2), 1)
    run = a_run(id="run1", workers=3)
    for handle in handles:
        run.worker_rows.create(slot=handle.slot, epoch=1, reference=handle.reference)
        world.begin(handle)
    note_places(run, world.backend())
    assert run.worker_rows.get(slot=1).place == "i-1 in eu-central-1b"
    assert run.events.get().text == "Workers by zone: eu-central-1a 1, eu-central-1b 1, eu-central-1c 1."


def test_where_a_spare_went_on_is_noted_and_leaves_the_others_alone() -> None:
    world = Ec2World()
    run = a_run(id="run1", workers=1)
    for epoch in (1, 2):
        (handle,) = world.backend().launch(PLAN, (0,), epoch)
        run.worker_rows.create(slot=0, epoch=epoch, reference=handle.reference, place="" if epoch > 1 else "i-x in eu-central-1c")
        world.begin(handle)
    note_later_places(run, world.backend)
    assert run.worker_rows.get(epoch=1).place == "i-x in eu-central-1c"
    assert " in eu-central-1" in run.worker_rows.get(epoch=2).place
    assert not run.events.exists()


def test_the_ledger_names_who_holds_machines() -> None:
    ledger = DatabaseLedger()
    ledger.hold("g", "a", 1)
    ledger.hold("g", "b", 1)
    assert sorted(ledger.holders("g")) == ["a", "b"]

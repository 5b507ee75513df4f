"""Environments in AWS: what their runs are planned with, and where their store is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from moto import mock_aws

from portal.aws.session import client
from portal.config import load
from portal.core.errors import PlanRejected, StoreUnavailable
from portal.core.protocol import Pulse
from portal.core.run_state import EndReason, RunState
from portal.models import Environment, Run
from portal.stores.run_store import RunStore
from portal.stores.s3 import StoreRefused
from portal.usecases.finish_run import REFUSED_FOR, finish_run
from portal.usecases.request_run import request_run
from portal.usecases.watch_run import STORE_PATIENCE, Watches, watch_run
from portal.wiring import build
from tests.builders import ADA, a_request, a_run, a_scenario, an_environment
from tests.usecases.parts import Scene
from tests.usecases.watching import collecting, launching

pytestmark = pytest.mark.django_db
AWS: dict[str, Any] = {"region": "eu-central-1", "bucket": "results-of-tests", "function": "runner"}
PRIVATE = {"targets": {"product": "http://127.0.0.1:18101"}}


def in_aws(**changes: Any) -> Environment:
    values = {**AWS, "endpoint_url": "http://127.0.0.1:4566", **changes}
    return an_environment("aws-local", place="aws", aws=values, **PRIVATE)


def test_a_run_keeps_the_place_it_was_planned_with() -> None:
    environment, scene = in_aws(), Scene()
    a_scenario()
    run = request_run(a_request(environment="aws-local"), scene.parts, by=ADA)
    Environment.objects.filter(pk=environment.pk).update(aws={**AWS, "bucket": "another-bucket"})
    place = Run.objects.get(pk=run.id).where()
    assert place is not None
    assert (place.bucket, place.function) == ("results-of-tests", "runner")


def test_runs_of_this_machine_have_no_place_in_aws() -> None:
    assert a_run().where() is None


def test_a_backend_the_stack_does_not_have_is_refused_before_anything_starts() -> None:
    in_aws()
    a_scenario()
    with pytest.raises(PlanRejected, match="an ECS cluster and a task definition and subnets"):
        request_run(a_request(environment="aws-local", backend="fargate"), Scene().parts, by=ADA)
    assert not Run.objects.exists()


def test_only_an_emulator_here_lets_load_go_to_this_machine() -> None:
    assert in_aws().guard().loopback
    assert not Environment(name="x", place="aws", aws=AWS).guard().loopback


def test_a_runs_store_is_its_environments_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    own = build(replace(load(), store_url="memory:"))
    far, near = a_run(aws=AWS), a_run()
    with mock_aws():
        s3 = client("s3", region="eu-central-1")
        s3.create_bucket(Bucket=AWS["bucket"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        own.store(far.id).pulse(Pulse(1.0))
        own.store(near.id).pulse(Pulse(2.0))
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=AWS["bucket"])["Contents"]]
    assert keys == [f"control/runs/{far.id}/pulse.json"]


def test_a_store_that_refuses_us_keeps_no_run_without_workers_from_ending() -> None:
    scene = Scene()
    run = scene.run(RunState.COLLECTING, columns={"end_reason": EndReason.LAUNCH_FAILED, "message": "No such bucket."})
    scene.objects.error = StoreRefused("The run store cannot be used: NoSuchBucket.")
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.end_reason, run.verdict, run.message) == ("ended", "launch_failed", "inconclusive", "No such bucket.")


def test_a_run_with_workers_waits_a_while_for_a_store_that_refuses_us() -> None:
    scene, run, _, _ = collecting(end_reason=EndReason.WORKERS_LOST)
    scene.objects.error = StoreRefused("The run store cannot be used: AccessDenied.")
    with pytest.raises(StoreRefused):
        finish_run(run.id, scene.parts)
    Run.objects.filter(pk=run.id).update(state_since=timezone.now() - REFUSED_FOR - timedelta(seconds=1))
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict) == ("ended", "inconclusive")


def test_a_store_that_is_only_away_is_waited_for() -> None:
    scene = Scene()
    run = scene.run(RunState.COLLECTING, columns={"end_reason": EndReason.LAUNCH_FAILED})
    scene.objects.error = StoreUnavailable("Away.")
    with pytest.raises(StoreUnavailable):
        finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert run.state == "collecting"


def test_a_process_without_a_way_to_the_store_ends_the_run_only_after_a_while() -> None:
    scene, watcher, _ = launching()

    def refused(run_id: str) -> RunStore:
        raise StoreRefused("The run store cannot be used: no such profile.")

    parts = replace(scene.parts, store=refused)
    watch_run(watcher.run.id, parts, Watches())
    assert Run.objects.get(pk=watcher.run.id).state == "launching"
    scene.clock.sleep(STORE_PATIENCE + 1)
    watch_run(watcher.run.id, parts, Watches())
    run = Run.objects.get(pk=watcher.run.id)
    assert (run.state, run.message) == ("collecting", "The run store cannot be used: no such profile.")


def test_a_profile_this_machine_does_not_have_is_a_store_that_refuses_us(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(aws={**AWS, "profile": "none-such"})
    with pytest.raises(StoreRefused, match="none-such"):
        build(replace(load(), store_url="memory:")).store(run.id)

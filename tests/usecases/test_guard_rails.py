"""Where load may go, how much of it, and when: refused before anything is written, and once more at the launch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.core.errors import PlanRejected
from portal.core.run_state import EndReason, RunState
from portal.models import Environment, HostProof, Run
from portal.usecases.check_targets import proof_token
from portal.usecases.launch_run import launch_run
from portal.usecases.request_run import request_run
from tests.builders import ADA, a_request, a_run, a_scenario, an_environment
from tests.usecases.parts import Scene, jobs

pytestmark = pytest.mark.django_db
PUBLIC, OTHER = ("203.0.113.7",), ("203.0.113.8",)


@pytest.fixture(autouse=True)
def _scenario() -> None:
    a_scenario()


@pytest.fixture
def scene() -> Scene:
    return Scene(names={"shop.example": PUBLIC, "inside.example": ("10.0.0.5",)}, proved={"shop.example"})


def shop(**columns: Any) -> Environment:
    return an_environment("shop", **{"targets": {"product": "https://shop.example"}, **columns})


def asked(scene: Scene, **fields: Any) -> Run:
    return request_run(a_request(environment="shop", **fields), scene.parts, by=ADA)


def refused(scene: Scene, **fields: Any) -> str:
    with pytest.raises(PlanRejected) as error:
        asked(scene, **fields)
    assert not Run.objects.filter(environment__name="shop").exclude(pk__startswith="other").exists()
    assert jobs() == []
    return str(error.value)


def test_a_public_host_needs_a_proof_and_is_told_how(scene: Scene) -> None:
    shop()
    scene.proved.clear()
    said = refused(scene)
    assert proof_token("shop", "shop.example") in said
    assert "_knopfdruck.shop.example" in said
    assert "/.well-known/knopfdruck-" in said


def test_with_a_proof_the_plan_has_the_checked_addresses(scene: Scene) -> None:
    shop()
    plan = asked(scene).load_plan()
    assert plan.network is not None
    assert plan.network.pins == {"shop.example": PUBLIC}
    proof = HostProof.objects.get()
    assert (proof.host, proof.way) == ("shop.example", "dns")


def test_a_proof_on_file_is_good_until_it_expires(scene: Scene) -> None:
    row = shop()
    HostProof.objects.create(environment=row, host="shop.example", way="dns", proved=timezone.now(), expires=timezone.now())
    scene.proved.clear()
    refused(scene)
    HostProof.objects.update(expires=timezone.now() + timedelta(days=1))
    assert asked(scene).state == RunState.QUEUED


def test_proofs_and_tokens_are_each_environments_own(scene: Scene) -> None:
    assert proof_token("a", "shop.example") != proof_token("b", "shop.example") != proof_token("b", "shop.examples")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254", "::ffff:10.0.0.1", "100.64.0.1", "fe80::1", "0.0.0.0"],
)
def test_a_name_that_leads_inside_is_refused_also_beside_public_addresses(scene: Scene, address: str) -> None:
    shop(place="elsewhere")
    scene.names["shop.example"] = (*PUBLIC, address)
    assert address in refused(scene)


def test_an_administrator_can_allow_a_network_by_name(scene: Scene) -> None:
    shop(targets={"product": "http://inside.example"}, allowed_networks=["10.0.0.0/24"])
    assert asked(scene).state == RunState.QUEUED


def test_a_request_goes_to_no_host_the_environment_does_not_name(scene: Scene) -> None:
    row = shop(allowed_hosts=["*.test.example"])
    scene.names["a.test.example"] = OTHER
    scene.proved.add("a.test.example")
    for url in ("https://evil.example", "https://test.example", "https://atest.example", "https://shop.example.evil.example"):
        assert "Allowed hosts: shop.example, *.test.example." in refused(scene, targets={"product": url})
    assert asked(scene, targets={"product": "https://a.test.example"}).state == RunState.QUEUED
    assert row.name == "shop"


def test_a_name_without_an_address_is_refused(scene: Scene) -> None:
    shop(targets={"product": "http://nowhere.invalid"})
    assert "no address" in refused(scene)


def test_runs_at_the_same_time_are_counted(scene: Scene) -> None:
    other = a_run(id="other", environment=shop(most_runs=1), state=RunState.RUNNING)
    assert "1 runs at the same time" in refused(scene)
    Run.objects.filter(pk=other.id).update(state=RunState.ENDED)
    assert asked(scene).state == RunState.QUEUED


def test_money_is_limited_by_the_run_and_by_the_month(scene: Scene) -> None:
    row = shop(place="elsewhere", most_cost=0.000001)
    assert "$" in refused(scene)
    Environment.objects.filter(pk=row.pk).update(most_cost=None, most_cost_a_month=1.0)
    a_run(id="other", environment=row, cost=0.9999999, state=RunState.ENDED)
    assert "the month" in refused(scene)
    Run.objects.filter(pk="other").update(created=timezone.now() - timedelta(days=40))
    assert asked(scene).cost > 0


def test_frozen_and_closed_times_are_refused(scene: Scene) -> None:
    now = datetime.fromtimestamp(scene.clock.now(), UTC)
    freeze = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat(), "reason": "sale"}
    row = shop(freezes=[freeze])
    assert "frozen" in refused(scene)
    hour = f"{(now + timedelta(hours=2)):%H:00}-{(now + timedelta(hours=3)):%H:00}"
    Environment.objects.filter(pk=row.pk).update(freezes=[], allowed_hours=[hour])
    assert "allowed hours" in refused(scene)


def launched(scene: Scene, run: Run) -> Run:
    launch_run(run.id, scene.parts)
    run.refresh_from_db()
    return run


def rejected(scene: Scene, run: Run) -> str:
    launched(scene, run)
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.REJECTED)
    assert scene.backend.launched == []
    return run.message


def test_a_name_that_leads_elsewhere_at_the_launch_starts_nothing(scene: Scene) -> None:
    shop()
    run = asked(scene)
    scene.names["shop.example"] = OTHER
    assert "203.0.113.8, which was not checked" in rejected(scene, run)


def test_a_name_that_leads_inside_at_the_launch_starts_nothing(scene: Scene) -> None:
    shop(place="elsewhere")
    run = asked(scene)
    scene.names["shop.example"] = ("169.254.169.254",)
    assert "metadata" in rejected(scene, run)


def test_a_proof_that_is_gone_at_the_launch_starts_nothing(scene: Scene) -> None:
    shop()
    run = asked(scene)
    scene.proved.clear()
    assert "Nobody has shown" in rejected(scene, run)


def test_guard_rails_made_tighter_since_hold_at_the_launch(scene: Scene) -> None:
    row = shop()
    run = asked(scene)
    Environment.objects.filter(pk=row.pk).update(most_vus=1)
    assert "10 virtual users" in rejected(scene, run)


def test_where_all_is_as_it_was_workers_start(scene: Scene) -> None:
    shop()
    assert launched(scene, asked(scene)).state == RunState.LAUNCHING
    assert scene.backend.launched


def test_the_same_key_is_answered_though_it_would_be_refused_by_now(scene: Scene) -> None:
    row = shop()
    wanted = replace(a_request(environment="shop"), idempotency_key="k")
    first = request_run(wanted, scene.parts, by=ADA)
    Environment.objects.filter(pk=row.pk).update(most_vus=1)
    assert request_run(wanted, scene.parts, by=ADA).id == first.id

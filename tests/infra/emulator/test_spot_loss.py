"""Instances are taken back under load, several at the same moment: hot spares go on with their slots, nothing is counted twice,
and what is missing is told (`make chaos`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any  # Any: what boto3 and the group's template take

import pytest

from infra_gen.emulator.process import Emulator
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.wiring import Parts
from tests.builders import a_scenario, a_source
from tests.infra.emulator.conftest import Client, eventually
from tests.infra.emulator.losses import Interruption, Steady, assert_accounted, holes, places
from tests.infra.emulator.test_backends import a_group, asked, driven, environment, instances, parts
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
__all__ = ["parts"]
NOTICE_SECONDS, PATIENCE_SECONDS = 25.0, 200.0
FLOW = """
config:
  target: "{{ $env.TARGET_PRODUCT }}"
  phases: [{ duration: 5, arrivalRate: 5 }]
scenarios:
  - flow: [{ get: { url: /products, name: list } }]
"""
HOOKS = [
    {"LifecycleHookName": name, "LifecycleTransition": f"autoscaling:EC2_INSTANCE_{when}", "HeartbeatTimeout": 300,
     "DefaultResult": "CONTINUE"} for name, when in (("boot", "LAUNCHING"), ("drain", "TERMINATING"))
]  # fmt: skip


@pytest.fixture(scope="module")
def running_shop() -> Iterator[ShopProcess]:
    with ShopProcess() as running:
        yield running


@pytest.fixture
def shop(running_shop: ShopProcess) -> ShopProcess:
    running_shop.reset()
    return running_shop


@pytest.fixture
def group(aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, request: pytest.FixtureRequest) -> str:
    """As many instances as `size` says, as a larger run a moment ago would have left them: all up, and waiting for calls."""
    size, settings = request.param
    name = a_group(aws, emulator, **settings)
    aws("autoscaling").update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=size, DesiredCapacity=size)
    environment(emulator, shop.targets["product"], worker_group=name)

    def waiting() -> int:
        logs = (emulator.dir / "instances" / one["InstanceId"] for one in instances(aws, name)["Instances"])
        said = (log / "var/log/knopfdruck/worker.log" for log in logs)
        return sum(log.exists() and "pool_worker_begins" in log.read_text() for log in said)

    assert eventually(lambda: waiting() == size, 90), waiting()
    return name


def of_size(size: int, **settings: Any) -> Any:
    return pytest.mark.parametrize("group", [(size, settings)], ids=[f"{size} instances"], indirect=True)


@of_size(14)
def test_three_of_ten_instances_are_taken_back(
    aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, group: str
) -> None:
    load, notice = Steady(40, 40, 10), Interruption(aws, 3, partial(emulator.spot_notice, seconds=NOTICE_SECONDS))
    run = driven(asked(parts, "ec2", **load.asked_for()), parts, notice, patience=PATIENCE_SECONDS)
    assert_accounted(run, load, shop.requests(), losses=3)
    assert_went_on(run, notice.taken, 3)
    assert_renewed(aws, group, notice.taken, 14)


@of_size(6)
def test_artillery_goes_on_elsewhere_when_its_instance_is_taken_back(
    aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, group: str
) -> None:
    """One: two that start at the same moment on a busy machine may both come too late, and four workers have no third try."""
    a_scenario("flow", a_source(FLOW, engine="artillery", file="flow.yml"))
    load, notice = Steady(12, 50, 3), Interruption(aws, 1, partial(emulator.spot_notice, seconds=NOTICE_SECONDS))
    run = driven(asked(parts, "ec2", **load.asked_for(scenario="flow")), parts, notice, patience=PATIENCE_SECONDS)
    assert_accounted(run, load, shop.requests(), losses=1)
    assert_went_on(run, notice.taken, 1)
    assert_renewed(aws, group, notice.taken, 6)


@of_size(7, CapacityRebalance=True, LifecycleHookSpecificationList=HOOKS)
def test_instances_that_ec2_recommends_to_leave_are_left(
    aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, group: str
) -> None:
    load, advice = Steady(20, 30, 4), Interruption(aws, 2, emulator.rebalance)
    run = driven(asked(parts, "ec2", **load.asked_for()), parts, advice, patience=PATIENCE_SECONDS)
    assert_accounted(run, load, shop.requests(), losses=2)
    assert_went_on(run, advice.taken, 2)
    assert_renewed(aws, group, advice.taken, 7)


@of_size(7)
def test_what_two_instances_without_a_notice_leave_undone_is_told_by_the_second(
    aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, group: str
) -> None:
    load, failure = Steady(20, 60, 4), Interruption(aws, 2, emulator.kill)
    run = driven(asked(parts, "ec2", **load.asked_for()), parts, failure, patience=PATIENCE_SECONDS)
    assert_accounted(run, load, shop.requests(), losses=2, unsaid_seconds=4)
    assert len(holes(run.result.verdict["notes"])) == 2
    assert run.verdict == "inconclusive", "two of four were silent for longer than a twentieth of the load"
    assert_went_on(run, failure.taken, 2, state="lost")
    assert_renewed(aws, group, failure.taken, 7)


def assert_went_on(run: Run, taken: list[str], count: int, *, state: str = "done") -> None:
    """Each slot of those that were taken, on an instance of its own that had none; one that came too late was replaced itself."""
    assert (run.state, run.end_reason, len(taken)) == (RunState.ENDED, EndReason.COMPLETED, count)
    lost = run.worker_rows.filter(epoch=1, place__regex="|".join(taken))
    assert set(lost.values_list("state", flat=True)) == {state}
    assert set(run.worker_rows.exclude(pk__in=lost).values_list("state", flat=True)) == {"done"}
    later = {row.slot: row for row in run.worker_rows.filter(epoch__gt=1).order_by("epoch")}
    assert later.keys() == set(lost.values_list("slot", flat=True))
    assert len({row.place.partition(" in ")[0] for row in later.values()} - places(run, epoch=1)) == count
    assert (run.result.summary["failed"], run.result.summary["lost"]) == (0, [])


def assert_renewed(aws: Client, name: str, taken: list[str], size: int) -> None:
    def members() -> set[str]:
        return {instance["InstanceId"] for instance in instances(aws, name)["Instances"]}

    assert eventually(lambda: not set(taken) & members(), 60), "they were taken in the end"
    assert eventually(lambda: len(members()) == size), "and others came for them"

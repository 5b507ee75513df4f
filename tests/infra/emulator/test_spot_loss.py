"""Spot takes three of ten instances back at once: hot spares go on with their slots, and nothing is lost or counted twice."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra_gen.emulator.process import Emulator
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.wiring import Parts
from tests.infra.emulator.conftest import Client, eventually
from tests.infra.emulator.test_backends import a_group, asked, driven, environment, instances, parts
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
__all__ = ["parts"]
WORKERS, TAKEN, SPARES = 10, 3, 4
AFTER_SECONDS, NOTICE_SECONDS = 8.0, 25.0
RATE, SECONDS = 40, 40


@pytest.fixture
def shop() -> Iterator[ShopProcess]:
    with ShopProcess() as running:
        yield running


def test_three_of_ten_instances_are_taken_back(aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess) -> None:
    name = a_group(aws, emulator)
    grow(aws, emulator, name, WORKERS + SPARES)
    environment(emulator, shop.targets["product"], worker_group=name)
    taken: list[str] = []

    def take_back(run: Run) -> None:
        if run.started is None or time.time() - run.started.timestamp() < AFTER_SECONDS or taken:
            return
        machines = aws("ec2").describe_instances()["Reservations"]
        on_spot = {i["InstanceId"] for one in machines for i in one["Instances"] if i.get("InstanceLifecycle") == "spot"}
        taken.extend(sorted(on_spot & places(run, epoch=1))[:TAKEN])
        for instance in taken:
            emulator.spot_notice(instance, seconds=NOTICE_SECONDS)

    load = {"workers": WORKERS, "vus": None, "rate": RATE, "max_vus": 40, "duration": f"{SECONDS}s", "on_worker_loss": "replace"}
    run = driven(asked(parts, "ec2", **load), parts, take_back)

    assert (run.state, run.end_reason, len(taken)) == (RunState.ENDED, EndReason.COMPLETED, TAKEN)
    summary = run.result.summary
    assert summary["requests"] == shop.requests(), "lost, or counted twice"
    assert summary["requests"] == pytest.approx(RATE * SECONDS, rel=0.01), "a spare goes on where the other stops"
    assert (run.verdict, summary["coverage"], summary["failed"]) == ("passed", 1.0, 0), run.result.verdict
    assert set(run.worker_rows.values_list("state", flat=True)) == {"done"}
    slots = set(run.worker_rows.filter(epoch=1, place__regex="|".join(taken)).values_list("slot", flat=True))
    assert set(run.worker_rows.filter(epoch=2).values_list("slot", flat=True)) == slots
    assert len(places(run, epoch=2) - places(run, epoch=1)) == TAKEN, "each went on with a spare of its own"
    assert eventually(lambda: not set(taken) & members(aws, name), 60), "they were taken in the end"
    assert eventually(lambda: len(members(aws, name)) == WORKERS + SPARES), "and others came for them"


def members(aws: Client, name: str) -> set[str]:
    return {instance["InstanceId"] for instance in instances(aws, name)["Instances"]}


def places(run: Run, epoch: int) -> set[str]:
    return {place.partition(" in ")[0] for place in run.worker_rows.filter(epoch=epoch).values_list("place", flat=True)}


def grow(aws: Client, emulator: Emulator, name: str, size: int) -> None:
    """As a larger run a moment ago would have left it: all of them up, and waiting for calls."""
    groups = aws("autoscaling")
    groups.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=size, DesiredCapacity=size)

    def waiting() -> int:
        logs = (emulator.dir / "instances").glob("*/var/log/knopfdruck/worker.log")
        return sum("pool_worker_begins" in log.read_text() for log in logs)

    assert eventually(lambda: waiting() == size, 90), waiting()

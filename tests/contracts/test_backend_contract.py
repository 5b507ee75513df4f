"""What every backend promises, asked of each: here, Lambda, Fargate and EC2 behind doors that remember as AWS does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portal.aws.errors import AwsCapacity, AwsDenied, AwsError, AwsQuota, AwsThrottled, AwsUnavailable
from portal.core.cloud_ports import PartlyLaunched
from portal.core.errors import LaunchFailed
from portal.core.ports import Backend, WorkerHandle, WorkerStatus
from tests.backends.places import Ec2World, FargateWorld, LambdaWorld, Started, World
from tests.backends.test_local import PLAN, Place
from tests.fakes import FakeClock, wait_until

ALL = ("local", "lambda", "fargate", "ec2")
SLOTS = (0, 1, 2)


class LocalWorld:
    """Real processes."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.place = Place(folder)

    def backend(self) -> Backend:
        return Recording(self.place)

    def started(self) -> Started:
        return {(handle.slot, handle.epoch) for handle in self.place.handles}

    def begin(self, handle: WorkerHandle) -> None:
        wait_until((self.place.folder / f"facts-{handle.slot}.json").exists, f"worker {handle.slot}")

    def die(self, handle: WorkerHandle) -> None:
        self.place.backend().stop((handle,), hard=True)
        self.place.wait_gone(handle)


class Recording:
    """A LocalBackend whose processes are ended with the test."""

    def __init__(self, place: Place) -> None:
        self._place, self._inner = place, place.backend()
        self.name, self.limits = self._inner.name, self._inner.limits
        self.poll, self.stop, self.release = self._inner.poll, self._inner.stop, self._inner.release

    def launch(self, plan: object, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        handles = self._inner.launch(PLAN, slots, epoch)
        self._place.handles += handles
        return handles


@pytest.fixture(params=ALL)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made: dict[str, type[LambdaWorld | FargateWorld | Ec2World]] = {
        "lambda": LambdaWorld, "fargate": FargateWorld, "ec2": Ec2World
    }  # fmt: skip
    if request.param != "local":
        yield made[request.param]()
        return
    here = LocalWorld(tmp_path)
    yield here
    here.place.backend().stop(here.place.handles, hard=True)


@pytest.fixture(params=["lambda", "fargate"])
def cloud(request: pytest.FixtureRequest) -> LambdaWorld | FargateWorld:
    return LambdaWorld() if request.param == "lambda" else FargateWorld()


def error(kind: type[AwsError]) -> AwsError:
    return kind("ecs:RunTask: No.", operation="ecs:RunTask", reason="No")


def test_a_launch_gives_a_handle_for_each_slot_in_order(world: World) -> None:
    handles = world.backend().launch(PLAN, SLOTS, 1)
    assert [(handle.slot, handle.epoch) for handle in handles] == [(0, 1), (1, 1), (2, 1)]
    assert all(handle.reference for handle in handles)
    assert world.started() == {(0, 1), (1, 1), (2, 1)}


def test_a_worker_that_was_launched_is_not_gone_before_or_after_it_begins(world: World) -> None:
    handles = world.backend().launch(PLAN, SLOTS, 1)
    assert WorkerStatus.GONE not in world.backend().poll(handles).values()
    for handle in handles:
        world.begin(handle)
    assert set(world.backend().poll(handles).values()) <= {WorkerStatus.ALIVE, WorkerStatus.UNKNOWN}


def test_one_that_died_is_told_from_those_that_live(world: World) -> None:
    handles = world.backend().launch(PLAN, (1,), 1)
    world.begin(handles[0])
    world.die(handles[0])
    # Lambda tells nobody: there a worker is missed by its heartbeat.
    expected = WorkerStatus.UNKNOWN if isinstance(world, LambdaWorld) else WorkerStatus.GONE
    assert world.backend().poll(handles) == {1: expected}


def test_a_redelivered_launch_starts_nobody_else(world: World) -> None:
    if isinstance(world, LocalWorld):
        pytest.skip("Processes begin twice, and the second loses the slot's lease: tests/agent shows it.")
    first = world.backend().launch(PLAN, SLOTS, 1)
    again = world.backend().launch(PLAN, SLOTS, 1)
    assert world.started() == {(0, 1), (1, 1), (2, 1)}
    if not isinstance(world, LambdaWorld):
        assert again == first


def test_a_replacement_is_another_worker_of_the_same_slot(world: World) -> None:
    world.backend().launch(PLAN, SLOTS, 1)
    (handle,) = world.backend().launch(PLAN, (1,), 2)
    assert (handle.slot, handle.epoch) == (1, 2)
    assert world.started() == {(0, 1), (1, 1), (2, 1), (1, 2)}


@pytest.mark.parametrize("hard", [True, False])
def test_stopping_may_be_repeated_and_nobody_is_alive_afterwards(world: World, hard: bool) -> None:
    handles = world.backend().launch(PLAN, SLOTS, 1)
    for _ in range(2):
        world.backend().stop(handles, hard=hard)
    alive = (WorkerStatus.ALIVE, WorkerStatus.LEAVING)
    wait_until(lambda: not set(world.backend().poll(handles).values()) & set(alive), "their end")


def test_releasing_may_be_repeated_and_nobody_begins_afterwards(world: World) -> None:
    world.backend().launch(PLAN, SLOTS, 1)
    for _ in range(2):
        world.backend().release("run1")
    if isinstance(world, (FargateWorld, Ec2World)):
        assert world.pool.open_calls() == ()


def test_a_throttling_storm_is_waited_out(cloud: LambdaWorld | FargateWorld) -> None:
    cloud.trouble.errors = {slot: [error(AwsThrottled)] * 3 for slot in SLOTS}
    handles = cloud.backend().launch(PLAN, SLOTS, 1)
    assert [handle.slot for handle in handles] == [0, 1, 2]
    assert len(cloud.clock.slept) == 3
    assert cloud.clock.slept[0] < cloud.clock.slept[2]


def test_of_a_partial_failure_only_the_missing_are_started_again(cloud: LambdaWorld | FargateWorld) -> None:
    cloud.trouble.errors = {1: [error(AwsCapacity)]}
    cloud.backend().launch(PLAN, SLOTS, 1)
    calls = cloud.events if isinstance(cloud, LambdaWorld) else list(cloud.orders)
    assert (len(calls), cloud.started()) == (3, {(0, 1), (1, 1), (2, 1)})


def test_when_some_cannot_be_started_the_others_are_named(cloud: LambdaWorld | FargateWorld) -> None:
    cloud.trouble.errors = {1: [error(AwsCapacity)] * 99}
    with pytest.raises(PartlyLaunched, match="1 of 3") as caught:
        cloud.backend().launch(PLAN, SLOTS, 1)
    assert [handle.slot for handle in caught.value.started] == [0, 2]


@pytest.mark.parametrize("kind", [AwsDenied, AwsQuota])
def test_what_waiting_does_not_help_is_not_waited_for(cloud: LambdaWorld | FargateWorld, kind: type[AwsError]) -> None:
    cloud.trouble.always = error(kind)
    with pytest.raises(PartlyLaunched, match="3 of 3"):
        cloud.backend().launch(PLAN, SLOTS, 1)
    assert cloud.clock.slept == []


def test_an_answer_that_was_lost_doubles_no_worker(cloud: LambdaWorld | FargateWorld) -> None:
    cloud.trouble.errors, cloud.trouble.after = {1: [error(AwsUnavailable)]}, True
    cloud.backend().launch(PLAN, SLOTS, 1)
    assert cloud.started() == {(0, 1), (1, 1), (2, 1)}
    if isinstance(cloud, FargateWorld):
        assert len(cloud.orders) == 3


def test_a_quota_of_nothing_is_said_before_anything_starts(cloud: LambdaWorld | FargateWorld) -> None:
    cloud.quotas.most = 0.0
    with pytest.raises(LaunchFailed, match="account"):
        cloud.backend().launch(PLAN, SLOTS, 1)
    assert cloud.started() == set()


def test_where_slices_meet_the_quota_must_hold_two_workers_for_each_slot() -> None:
    world = LambdaWorld()
    world.quotas.most = 3.0
    assert len(world.backend().launch(PLAN, SLOTS, 1)) == 3
    sliced = replace(PLAN, slices=2, workers=3)
    with pytest.raises(LaunchFailed, match="6 workers are more than the 3 concurrent"):
        world.backend().launch(sliced, SLOTS, 1)


def test_a_group_that_may_have_nobody_is_said_before_anything_is_called() -> None:
    world = Ec2World()
    world.most = 0
    with pytest.raises(LaunchFailed, match="may have 0"):
        world.backend().launch(PLAN, SLOTS, 1)
    assert (world.started(), world.ledger.holds) == (set(), {})


def test_1000_workers_are_called_at_once() -> None:
    world = LambdaWorld()
    handles = world.backend().launch(PLAN, tuple(range(1000)), 1)
    assert [handle.slot for handle in handles] == list(range(1000))
    assert len(world.events) == 1000

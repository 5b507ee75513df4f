"""What every backend promises, asked of each: here, Lambda, Fargate and EC2 behind doors that remember as AWS does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from portal.aws.errors import AwsCapacity, AwsDenied, AwsError, AwsQuota, AwsThrottled, AwsUnavailable
from portal.core.cloud_ports import PartlyLaunched
from portal.core.errors import LaunchFailed
from portal.core.failed_call import FailedCall
from portal.core.ports import WorkerStatus
from tests.backends.lambda_place import LambdaWorld
from tests.backends.places import Ec2World, FargateWorld, World
from tests.backends.test_local import PLAN
from tests.contracts.worlds import CLOUDS, LocalWorld
from tests.fakes import wait_until

SLOTS = (0, 1, 2)


@pytest.fixture(params=["lambda", "fargate"])
def cloud(request: pytest.FixtureRequest) -> LambdaWorld | FargateWorld:
    """Where each worker is started for itself."""
    return LambdaWorld() if request.param == "lambda" else FargateWorld()


@pytest.fixture(params=CLOUDS)
def aws(request: pytest.FixtureRequest) -> LambdaWorld | FargateWorld | Ec2World:
    return CLOUDS[request.param]()


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
    if not isinstance(world, LambdaWorld):
        assert world.backend().poll(handles) == {1: WorkerStatus.GONE}
        return
    # A call cannot be looked at; Lambda says of itself that it gave one up.
    assert world.backend().poll(handles) == {1: WorkerStatus.UNKNOWN}
    told: list[FailedCall] = []
    world.backend().failures(partial(noted, told))
    assert [(call.run, call.slot, call.epoch) for call in told] == [("run1", 1, 1)]


def noted(told: list[FailedCall], call: FailedCall) -> bool:
    told.append(call)
    return True


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


def test_a_throttling_storm_is_waited_out(aws: LambdaWorld | FargateWorld | Ec2World) -> None:
    aws.trouble.errors = {slot: [error(AwsThrottled)] * 3 for slot in SLOTS}
    handles = aws.backend().launch(PLAN, SLOTS, 1)
    assert [handle.slot for handle in handles] == [0, 1, 2]
    assert aws.started() == {(0, 1), (1, 1), (2, 1)}
    assert len(aws.clock.slept) == 3
    assert sum(aws.clock.slept) >= 1.5, "and not hammered"
    if not isinstance(aws, Ec2World):
        assert aws.clock.slept[0] < aws.clock.slept[2]


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


def test_an_answer_that_was_lost_doubles_no_worker(aws: LambdaWorld | FargateWorld | Ec2World) -> None:
    """RunTask, Invoke and SetDesiredCapacity are carried out, and the caller does not hear of it."""
    aws.trouble.errors, aws.trouble.after = {slot: [error(AwsUnavailable)] for slot in SLOTS}, True
    aws.backend().launch(PLAN, SLOTS, 1)
    assert aws.started() == {(0, 1), (1, 1), (2, 1)}
    if isinstance(aws, FargateWorld):
        assert len(aws.orders) == 3
    if isinstance(aws, Ec2World):
        assert (aws.sizes, aws.ledger.held("")) == ([4], 3)


def test_a_group_that_stays_silent_fails_the_launch_after_a_while_and_calls_nobody() -> None:
    world = Ec2World()
    world.trouble.always = error(AwsThrottled)
    with pytest.raises(LaunchFailed, match="could not be asked"):
        world.backend().launch(PLAN, SLOTS, 1)
    assert world.started() == set()
    assert sum(world.clock.slept) == 10


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

"""Elastic runs on Fargate: the pool is asked for workers, never for fewer, and all slots are calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.aws.errors import AwsDenied
from portal.core.elastic import Member
from portal.core.errors import LaunchFailed
from portal.core.load import ClosedLoad
from portal.core.plan import LoadPlan
from portal.core.ports import WorkerHandle, WorkerStatus
from portal.stores.pool import Claim, Held, Presence, PresenceState
from tests.backends.places import FargateWorld
from tests.backends.test_local import PLAN

ARN = "arn:aws:ecs:eu-central-1:1:task/load/"


def elastic(workers: int = 4, users: int = 40) -> LoadPlan:
    return replace(PLAN, pool=1, workers=workers, load=ClosedLoad.constant(users, timedelta(minutes=5)))


def say(world: FargateWorld, worker: str, *holds: Held, state: PresenceState = PresenceState.WORKING) -> None:
    world.pool.say(Presence.of(ARN + worker, "a", world.clock.now(), state if holds else PresenceState.IDLE, holds, 4))


def test_all_slots_are_calls_and_no_task_is_started() -> None:
    world = FargateWorld()
    handles = world.backend().launch(elastic(), (0, 1, 2, 3), 1)
    assert (world.started(), [(call.slot, call.worker) for call in world.pool.calls("run1")]) == (
        set(), [(slot, "") for slot in range(4)]
    )  # fmt: skip
    assert set(world.backend().poll(handles).values()) == {WorkerStatus.UNKNOWN}
    world.backend().stop(handles, hard=False)
    assert world.pool.open_calls() == ()


@pytest.mark.parametrize(
    ("workers", "users", "sizes"), [(4, 40, []), (8, 40, [2]), (4, 1400, [3]), (40, 100, [10])],
)  # fmt: skip
def test_the_service_is_asked_for_as_many_workers_as_the_load_needs(workers: int, users: int, sizes: list[int]) -> None:
    world = FargateWorld()
    plan = elastic(workers, users)
    for _ in range(2):
        world.backend().launch(plan, tuple(range(workers)), 1)
    assert world.service.sizes == sizes, "and once, however often it is launched"


def test_the_service_is_never_made_smaller_and_workers_of_other_runs_are_theirs() -> None:
    world = FargateWorld()
    world.service.desired = 5
    world.backend().launch(elastic(8), (0,), 1)
    assert world.service.sizes == []
    for number in range(5):
        say(world, f"w{number}", Held("run9", number, 1))
    say(world, "mine", Held("run1", 0, 1))
    world.backend().launch(elastic(8), (1,), 1)
    assert world.service.sizes == [7]


def test_a_pool_that_cannot_be_so_large_says_so_and_nothing_is_called() -> None:
    world = FargateWorld()
    with pytest.raises(LaunchFailed, match="needs 11 workers of the pool; it may have 10") as error:
        world.backend().launch(elastic(44), (0,), 1)
    assert "PoolMost" in error.value.hint
    world.service.away = AwsDenied("No.", operation="ecs:UpdateService", reason="AccessDenied")
    with pytest.raises(LaunchFailed, match="could not be asked for workers: No"):
        world.backend().launch(elastic(), (0,), 1)
    world.place = replace(world.place, pool_service="")
    with pytest.raises(LaunchFailed, match="has no pool of workers"):
        world.backend().launch(elastic(), (0,), 1)
    assert world.pool.open_calls() == ()


def test_a_worker_that_holds_several_slots_is_alive_with_each_and_leaves_with_all() -> None:
    world = FargateWorld()
    backend = world.backend()
    handles = backend.launch(elastic(2), (0, 1), 1)
    for call in world.pool.open_calls():
        assert world.pool.claim(call, Claim(ARN + "w1", "eu-central-1a", world.clock.now()))
    say(world, "w1", Held("run1", 0, 1), Held("run1", 1, 1))
    assert backend.poll(handles) == {0: WorkerStatus.ALIVE, 1: WorkerStatus.ALIVE}
    say(world, "w1", Held("run1", 0, 1), Held("run1", 1, 1), state=PresenceState.DRAINING)
    assert backend.poll(handles) == {0: WorkerStatus.LEAVING, 1: WorkerStatus.LEAVING}
    world.clock.advance(5)
    say(world, "w1", Held("run1", 1, 1))
    assert backend.poll(handles) == {0: WorkerStatus.GONE, 1: WorkerStatus.ALIVE}


def test_the_crew_is_looked_at_every_few_seconds_and_anew_after_a_move() -> None:
    world = FargateWorld()
    backend = world.backend()
    say(world, "w1", Held("run1", 0, 1), Held("run1", 1, 1))
    assert backend.crew("run1") == (Member(ARN + "w1", (0, 1), 2, 2),)
    say(world, "w2")
    assert len(backend.crew("run1")) == 1
    world.clock.advance(4)
    assert len(backend.crew("run1")) == 2
    assert backend.call_over(elastic(), 0, 2, ARN + "w2") == WorkerHandle(0, 2, "call:run1")
    (call,) = world.pool.open_calls()
    assert (call.slot, call.epoch, call.worker) == (0, 2, ARN + "w2")
    assert [member.load for member in backend.crew("run1")] == [2, 1], "whom it called holds it already"


def test_a_lost_slot_is_called_for_whoever_has_room() -> None:
    world = FargateWorld()
    world.backend().launch(elastic(), (1,), 2)
    assert [(call.slot, call.epoch, call.worker) for call in world.pool.open_calls()] == [(1, 2, "")]
    assert (world.started(), world.service.sizes) == (set(), [])

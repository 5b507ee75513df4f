"""Tasks on Fargate: their tokens, what ECS does not know yet, and slots that a waiting worker takes over."""

from __future__ import annotations

import pytest

from portal.aws.errors import AwsThrottled
from portal.backends.fargate import UNSEEN_SECONDS, token
from portal.core.errors import LaunchFailed
from portal.core.ports import WorkerStatus
from portal.stores.pool import Claim, Presence, PresenceState
from tests.backends.places import FargateWorld
from tests.backends.test_local import PLAN

WAITING = "arn:aws:ecs:eu-central-1:1:task/load/ffff"


def waiting(world: FargateWorld) -> None:
    world.pool.say(Presence(WAITING, "eu-central-1a", world.clock.now()))


def test_a_token_is_the_same_for_the_same_worker_and_another_for_any_other() -> None:
    assert token("run1", 0, 1) == token("run1", 0, 1)
    assert len({token("run1", 0, 1), token("run1", 0, 2), token("run1", 1, 1), token("run2", 0, 1)}) == 4
    assert len(token("run1", 0, 1)) == 64


def test_a_task_is_told_its_store_run_slot_and_epoch_and_who_started_it() -> None:
    world = FargateWorld()
    world.backend().launch(PLAN, (2,), 3)
    (order,) = world.orders.values()
    assert order.started_by == "run1"
    assert order.environment == {
        "KNOPFDRUCK_STORE": "s3://results/control?region=eu-central-1", "KNOPFDRUCK_RUN": "run1", "KNOPFDRUCK_SLOT": "2",
        "KNOPFDRUCK_EPOCH": "3",
    }  # fmt: skip


def test_not_found_in_the_first_minute_is_not_death() -> None:
    world = FargateWorld()
    backend = world.backend()
    handles = backend.launch(PLAN, (0,), 1)
    world.unknown = True
    assert backend.poll(handles) == {0: WorkerStatus.UNKNOWN}
    world.clock.advance(UNSEEN_SECONDS / 2)
    assert backend.poll(handles) == {0: WorkerStatus.UNKNOWN}
    world.clock.advance(UNSEEN_SECONDS)
    assert backend.poll(handles) == {0: WorkerStatus.GONE}
    world.unknown = False
    world.clock.advance(5)
    assert backend.poll(handles) == {0: WorkerStatus.ALIVE}


def test_ecs_is_asked_every_few_seconds_however_often_a_run_is_looked_at() -> None:
    world = FargateWorld()
    backend = world.backend()
    handles = backend.launch(PLAN, (0, 1, 2), 1)
    for _ in range(20):
        backend.poll(handles)
    assert world.asked == 1
    backend.stop(handles[:1], hard=True)
    assert backend.poll(handles)[0] is WorkerStatus.GONE


def test_an_ecs_that_does_not_answer_says_nothing_of_the_workers() -> None:
    world = FargateWorld()
    handles = world.backend().launch(PLAN, (0, 1), 1)
    world.away = AwsThrottled("No.", operation="ecs:DescribeTasks", reason="ThrottlingException")
    assert world.backend().poll(handles) == {0: WorkerStatus.UNKNOWN, 1: WorkerStatus.UNKNOWN}
    world.backend().stop(handles, hard=True)
    assert world.stopped == []


@pytest.mark.parametrize(("free", "most", "words"), [(2, None, "have 2 left"), (None, 4.0, "need 6 vCPUs; .* may have 4")])
def test_a_run_without_room_is_told_so_before_anything_starts(free: int | None, most: float | None, words: str) -> None:
    world = FargateWorld()
    world.quotas.free, world.quotas.most = free, most
    with pytest.raises(LaunchFailed, match=words):
        world.backend().launch(PLAN, (0, 1, 2), 1)
    assert world.started() == set()


def test_a_lost_slot_goes_to_a_worker_that_waits_in_the_pool() -> None:
    world = FargateWorld()
    waiting(world)
    handles = world.backend().launch(PLAN, (1,), 2)
    assert (world.orders, [(call.slot, call.epoch) for call in world.pool.open_calls()]) == ({}, [(1, 2)])
    assert world.backend().poll(handles) == {1: WorkerStatus.UNKNOWN}
    (call,) = world.pool.open_calls()
    assert world.pool.claim(call, Claim(WAITING, "eu-central-1a", world.clock.now()))
    world.pool.say(Presence(WAITING, "eu-central-1a", world.clock.now(), PresenceState.WORKING, "run1", 1, 2))
    assert world.backend().poll(handles) == {1: WorkerStatus.ALIVE}
    assert world.backend().places(handles) == {1: "ffff in eu-central-1a"}
    world.backend().stop(handles, hard=True)
    assert (world.stopped, world.pool.open_calls()) == ([], ())


def test_a_pool_whose_workers_are_silent_or_busy_is_passed_over() -> None:
    world = FargateWorld()
    waiting(world)
    world.clock.advance(60)
    world.pool.say(Presence("i-1", "a", world.clock.now(), PresenceState.WORKING, "run9", 0, 1))
    world.backend().launch(PLAN, (1,), 2)
    assert world.started() == {(1, 2)}


def test_a_bounded_run_begins_with_tasks_of_its_own() -> None:
    world = FargateWorld()
    waiting(world)
    handles = world.backend().launch(PLAN, (0,), 1)
    assert (world.started(), world.pool.open_calls()) == ({(0, 1)}, ())
    assert world.backend().places(handles)[0].endswith(" in eu-central-1b")

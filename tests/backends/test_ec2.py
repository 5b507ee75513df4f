"""Instances that wait in a pool: how many there are, who has which slot, and who is ended when nobody needs them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from portal.aws.errors import AwsDenied, AwsThrottled
from portal.backends.ec2 import WARM_SECONDS, with_spares
from portal.core.errors import LaunchFailed
from portal.core.ports import WorkerStatus
from portal.models.capacity import ALONE_SECONDS, CapacityGroup, DatabaseLedger
from portal.stores.pool import PresenceState
from tests.backends.places import Ec2World
from tests.backends.test_local import PLAN

OTHER = replace(PLAN, run_id="run2", workers=10)


@pytest.mark.parametrize(("workers", "machines"), [(1, 2), (3, 4), (10, 11), (11, 13), (100, 110)])
def test_a_tenth_is_spare_and_at_least_one(workers: int, machines: int) -> None:
    assert with_spares(workers) == machines


def test_the_group_is_as_large_as_all_runs_together_need() -> None:
    world = Ec2World()
    world.backend().launch(PLAN, (0, 1, 2), 1)
    world.backend().launch(OTHER, tuple(range(10)), 1)
    assert world.sizes == [4, 15]


def test_the_group_is_never_made_smaller_by_a_launch() -> None:
    world = Ec2World()
    world.desired = 18
    world.backend().launch(PLAN, (0, 1, 2), 1)
    assert (world.sizes, world.desired) == ([], 18)


def test_spares_are_left_out_where_the_group_may_not_have_them() -> None:
    world = Ec2World()
    world.most = 3
    world.backend().launch(PLAN, (0, 1, 2), 1)
    assert world.sizes == [3]


def test_two_runs_that_do_not_fit_together_are_told_so() -> None:
    world = Ec2World()
    world.most = 12
    world.backend().launch(OTHER, (0,), 1)
    with pytest.raises(LaunchFailed, match="need 13 instances; the group workers may have 12"):
        world.backend().launch(PLAN, (0, 1, 2), 1)
    assert world.ledger.holds == {"run2": 10}


@pytest.mark.parametrize("kind", [AwsDenied, AwsThrottled])
def test_a_group_that_cannot_be_asked_fails_the_launch_before_anything_is_called(kind: type[AwsDenied | AwsThrottled]) -> None:
    world = Ec2World()
    world.away = kind("No.", operation="autoscaling:DescribeAutoScalingGroups", reason="No")
    with pytest.raises(LaunchFailed, match="could not be asked"):
        world.backend().launch(PLAN, (0,), 1)
    assert world.started() == set()


def test_a_replacement_asks_for_no_more_machines() -> None:
    world = Ec2World()
    world.backend().launch(PLAN, (0, 1, 2), 1)
    world.backend().launch(PLAN, (1,), 2)
    assert world.sizes == [4]


def test_an_instance_that_will_be_taken_away_is_leaving() -> None:
    world = Ec2World()
    (handle,) = world.backend().launch(PLAN, (0,), 1)
    world.begin(handle)
    world.say("i-0", PresenceState.DRAINING, handle)
    assert world.backend().poll((handle,)) == {0: WorkerStatus.LEAVING}


def test_an_instance_that_is_at_other_work_has_left_the_slot() -> None:
    world = Ec2World()
    (handle,) = world.backend().launch(PLAN, (0,), 1)
    world.begin(handle)
    world.clock.advance(10)
    world.say("i-0")
    assert world.backend().poll((handle,)) == {0: WorkerStatus.GONE}


def test_the_machine_behind_a_slot_is_told_with_its_zone() -> None:
    world = Ec2World()
    handles = world.backend().launch(PLAN, (0, 1, 2), 1)
    for handle in handles[:2]:
        world.begin(handle)
    assert world.backend().places(handles) == {0: "i-0 in eu-central-1a", 1: "i-1 in eu-central-1b"}


def free(world: Ec2World) -> None:
    """A run that is over, its four instances waiting, three of them well."""
    world.backend().launch(PLAN, (0, 1, 2), 1)
    world.backend().release("run1")
    world.clock.advance(WARM_SECONDS)
    for number in range(3):
        world.say(f"i-{number}")


def test_free_instances_are_ended_by_name_once_no_run_holds_any_for_a_while() -> None:
    world = Ec2World()
    free(world)
    assert world.backend().trim() == ("i-0", "i-1", "i-2")
    assert (world.ended, world.desired) == (["i-0", "i-1", "i-2"], 1)


def test_the_least_the_group_wants_stays() -> None:
    world = Ec2World()
    free(world)
    world.least = 2
    assert len(world.backend().trim()) == 2


def test_nobody_is_ended_who_works_or_while_a_run_holds_instances_or_soon_after() -> None:
    world = Ec2World()
    assert world.backend().trim() == ()
    free(world)
    world.backend().launch(OTHER, (0,), 1)
    assert world.backend().trim() == ()
    world.backend().release("run2")
    assert world.backend().trim() == ()
    world.clock.advance(WARM_SECONDS)
    for number in range(3):
        world.say(f"i-{number}", PresenceState.WORKING)
    assert world.backend().trim() == ()


def test_who_is_not_alone_changes_no_size() -> None:
    world = Ec2World()
    free(world)
    world.ledger.busy = True
    assert world.backend().trim() == ()
    world.backend().launch(OTHER, (0,), 1)
    assert world.sizes == [4]
    assert len(world.clock.slept) == 20


@pytest.mark.django_db
def test_the_ledger_sums_the_holds_of_a_group_and_forgets_released_ones() -> None:
    ledger = DatabaseLedger()
    for run_id, workers in (("a", 3), ("b", 10), ("a", 3), ("a", 4)):
        ledger.hold("g", run_id, workers)
    ledger.hold("other", "c", 100)
    assert (ledger.held("g"), ledger.free_since("g")) == (14, None)
    ledger.release("g", "a")
    assert (ledger.held("g"), ledger.free_since("g")) == (10, None)
    ledger.release("g", "b")
    since = ledger.free_since("g")
    assert ledger.held("g") == 0
    assert since is not None
    ledger.release("g", "b")
    assert ledger.free_since("g") == since
    ledger.hold("g", "d", 1)
    assert ledger.free_since("g") is None


@pytest.mark.django_db
def test_one_at_a_time_is_alone_and_a_dead_one_not_for_long() -> None:
    ledger = DatabaseLedger()
    with ledger.alone("g") as first:
        with ledger.alone("g") as second:
            assert (first, second) == (True, False)
        with ledger.alone("g") as third:
            assert not third
        CapacityGroup.objects.update(until=0)
        with ledger.alone("g") as heir:
            assert heir
    with ledger.alone("g") as next_one:
        assert next_one
    assert ALONE_SECONDS > 60


@pytest.mark.django_db(transaction=True)
def test_holds_of_eight_runs_at_once_are_all_counted() -> None:
    from django.db import connections

    gate = threading.Barrier(8)

    def hold(number: int) -> None:
        gate.wait()
        DatabaseLedger().hold("g", f"run-{number}", 2)
        connections.close_all()

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert DatabaseLedger().held("g") == 16

"""What many waiting machines, and a controller that asks after many of them, may cost: lists and reads are counted."""

from __future__ import annotations

from portal.core.ports import WorkerHandle, WorkerStatus
from portal.stores.pool import Call, Claim, PoolStore, Presence, PresenceState
from portal.stores.pool_calls import PoolCalls
from tests.stores.test_run_store_economy import CountingStore

RUN, MACHINES, NOW = "run1", 30, 1000.0
HANDLES = tuple(WorkerHandle(slot, 1, f"call:{RUN}") for slot in range(20))


def at_work() -> tuple[CountingStore, PoolStore]:
    """Twenty of thirty machines have work."""
    objects = CountingStore()
    pool = PoolStore(objects, "ec2")
    calls = [Call(RUN, handle.slot, 1, 1, 0, NOW, NOW + 60) for handle in HANDLES]
    pool.call(calls)
    for call in calls:
        pool.claim(call, Claim(f"i-{call.slot}", "a", NOW))
    for number in range(MACHINES):
        what = (PresenceState.WORKING, RUN, number, 1) if number < len(HANDLES) else (PresenceState.IDLE, "", None, None)
        pool.say(Presence(f"i-{number}", "a", NOW, *what))
    objects.calls.clear()
    return objects, pool


def test_a_spare_that_waits_beside_a_run_lists_once_and_reads_nothing() -> None:
    objects, pool = at_work()
    assert pool.open_calls(5) == ()
    objects.calls.clear()
    assert pool.open_calls(5) == ()
    assert objects.calls == {"list": 1}


def test_of_many_open_calls_a_machine_reads_a_few() -> None:
    objects, pool = at_work()
    pool.call(Call("run2", slot, 1, 1, 0, NOW, NOW + 60) for slot in range(100))
    objects.calls.clear()
    assert len(pool.open_calls(5)) == 5
    assert objects.calls == {"list": 2, "get": 5}


def test_a_run_is_asked_after_by_its_own_machines_and_their_claims_are_read_once() -> None:
    objects, pool = at_work()
    calls = PoolCalls(pool)
    assert set(calls.statuses(HANDLES, now=NOW).values()) == {WorkerStatus.ALIVE}
    objects.calls.clear()
    assert len(calls.statuses(HANDLES, now=NOW)) == 20
    assert objects.calls == {"get": 20}

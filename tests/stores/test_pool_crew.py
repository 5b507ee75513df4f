"""A pool's workers as a run sees them."""

from __future__ import annotations

from portal.core.elastic import Member
from portal.stores.memory import MemoryStore
from portal.stores.pool import Call, Held, PoolStore, Presence, PresenceState
from portal.stores.pool_crew import crew

NOW = 1_000_000.0


def said(worker: str, *holds: Held, state: PresenceState = PresenceState.WORKING, at: float = NOW, most: int = 4) -> Presence:
    return Presence.of(worker, "a", at, state, holds, most)


def test_each_worker_has_its_slots_its_load_and_its_room() -> None:
    pool = PoolStore(MemoryStore(), "fargate")
    pool.say(said("w1", Held("run1", 2, 1), Held("run1", 0, 1), Held("run9", 0, 1)))
    pool.say(said("w2", state=PresenceState.IDLE))
    pool.say(said("w3", Held("run1", 1, 1), state=PresenceState.DRAINING))
    pool.say(said("w4", at=NOW - 60))
    assert crew(pool, "run1", now=NOW) == (
        Member("w1", (0, 2), 3, 1), Member("w2", (), 0, 4), Member("w3", (1,), 1, 3, leaves=True),
    )  # fmt: skip


def test_a_slot_that_is_handed_over_is_whose_who_goes_on_with_it_and_takes_both_their_room() -> None:
    pool = PoolStore(MemoryStore(), "fargate")
    pool.say(said("w1", Held("run1", 0, 1), Held("run1", 1, 1)))
    pool.say(said("w2", Held("run1", 0, 2)))
    assert crew(pool, "run1", now=NOW) == (Member("w1", (1,), 1, 2), Member("w2", (0,), 1, 3))


def test_whoever_is_called_by_name_is_taken_to_hold_it_until_the_call_expires() -> None:
    pool = PoolStore(MemoryStore(), "fargate")
    pool.say(said("w1"))
    pool.call([Call("run9", 0, 2, 0, 0, NOW, NOW + 10, "w1"), Call("run9", 1, 2, 0, 0, NOW, NOW + 10)])
    assert crew(pool, "run1", now=NOW) == (Member("w1", (), 1, 3),)
    pool.say(said("w1", at=NOW + 11))
    assert crew(pool, "run1", now=NOW + 11) == (Member("w1", (), 0, 4),)

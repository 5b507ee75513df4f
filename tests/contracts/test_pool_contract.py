"""What a pool promises, on each store: every call is claimed once, and nothing is told of what nobody said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from portal.core.ports import ObjectStore
from portal.stores.pool import Call, Claim, PoolStore, Presence, PresenceState
from tests.stores.variants import VARIANTS, empty_store

CALL = Call("20261124-1", 0, 1, cores=4, memory=1 << 30, at=10.0, expires=130.0)
TASK = "arn:aws:ecs:eu-central-1:123456789012:task/cluster/0123456789abcdef"


@pytest.fixture(params=VARIANTS, scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with empty_store(request.param, tmp_path_factory.mktemp("pool")) as store:
        yield store


@pytest.fixture
def pool(opened: ObjectStore) -> PoolStore:
    opened.delete("")
    return PoolStore(opened, "knopfdruck-dev-WorkerGroup-1ABC")


def test_open_calls_are_those_nobody_claimed_the_oldest_first(pool: PoolStore) -> None:
    late, other = replace(CALL, slot=1, at=11.0), replace(CALL, run="20261124-2", at=9.0)
    pool.call((CALL, late, other))
    assert pool.open_calls() == (other, CALL, late)
    assert pool.claim(CALL, Claim("i-1", "a", 12.0))
    assert pool.open_calls() == (other, late)
    assert set(pool.calls(CALL.run)) == {CALL, late}


def test_a_call_stands_as_it_was_first_made(pool: PoolStore) -> None:
    pool.call((CALL,))
    pool.call((replace(CALL, cores=99),))
    assert pool.open_calls() == (CALL,)


def test_many_calls_are_all_there(pool: PoolStore) -> None:
    pool.call(replace(CALL, slot=slot) for slot in range(40))
    assert [call.slot for call in pool.open_calls()] == list(range(40))


def test_one_of_twelve_workers_gets_a_call_and_is_told_so_again(pool: PoolStore) -> None:
    pool.call((CALL,))
    gate, winners = threading.Barrier(12), list[str]()

    def take(worker: str) -> None:
        gate.wait()
        if pool.claim(CALL, Claim(worker, "a", 12.0)):
            winners.append(worker)

    threads = [threading.Thread(target=take, args=(f"i-{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = winners
    assert pool.claim(CALL, Claim(winner, "a", 13.0))
    assert pool.claims(CALL.run) == {(0, 1): Claim(winner, "a", 12.0)}


def test_the_call_of_a_replacement_is_another_one(pool: PoolStore) -> None:
    second = replace(CALL, epoch=2)
    pool.call((CALL, second))
    assert pool.claim(CALL, Claim("i-1", "a", 12.0))
    assert pool.claim(second, Claim("i-2", "b", 12.0))
    assert {place: claim.worker for place, claim in pool.claims(CALL.run).items()} == {(0, 1): "i-1", (0, 2): "i-2"}


@pytest.mark.parametrize("worker", ["i-0123456789abcdef0", TASK])
def test_presences_are_what_was_said_last(pool: PoolStore, worker: str) -> None:
    pool.say(Presence(worker, "eu-central-1a", 10.0))
    busy = Presence(worker, "eu-central-1a", 13.0, PresenceState.WORKING, CALL.run, 0, 1)
    pool.say(busy)
    assert pool.presences() == (busy,)
    pool.leave(worker)
    pool.leave(worker)
    assert pool.presences() == ()


def test_withdrawing_a_run_leaves_the_others(pool: PoolStore) -> None:
    other = replace(CALL, run="20261124-10")
    pool.call((CALL, other))
    pool.claim(CALL, Claim("i-1", "a", 12.0))
    pool.withdraw(CALL.run)
    assert (pool.calls(CALL.run), pool.claims(CALL.run), pool.open_calls()) == ((), {}, (other,))


def test_a_single_call_is_withdrawn_and_its_claim_stays(pool: PoolStore) -> None:
    pool.call((CALL, replace(CALL, slot=1)))
    pool.claim(CALL, Claim("i-1", "a", 12.0))
    pool.withdraw_call(CALL.run, 0, 1)
    pool.withdraw_call(CALL.run, 1, 1)
    assert (pool.open_calls(), list(pool.claims(CALL.run))) == ((), [(0, 1)])


def test_groups_do_not_see_each_other(opened: ObjectStore, pool: PoolStore) -> None:
    pool.call((CALL,))
    assert PoolStore(opened, "knopfdruck-dev-WorkerGroup-1ABCD").open_calls() == ()


@pytest.mark.parametrize("group", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_name_that_is_no_group_is_refused(opened: ObjectStore, group: str) -> None:
    with pytest.raises(ValueError, match="not the name of a group"):
        PoolStore(opened, group)


def test_a_worker_without_a_plain_name_is_refused(pool: PoolStore) -> None:
    with pytest.raises(ValueError, match="is not a worker"):
        pool.say(Presence("task/..", "a", 1.0))


def test_of_many_calls_a_look_gives_some_and_replacements_first(pool: PoolStore) -> None:
    replacement = replace(CALL, slot=33, epoch=2)
    pool.call([*(replace(CALL, slot=slot) for slot in range(40)), replacement])
    looks = [pool.open_calls(5) for _ in range(6)]
    assert all(len(look) == 5 and replacement in look for look in looks)
    assert len({call.slot for look in looks for call in look}) > 5, "not always the same"


def test_some_presences_and_the_claims_that_are_not_known(pool: PoolStore) -> None:
    pool.call((CALL, replace(CALL, slot=1)))
    for slot, worker in enumerate(("i-1", "i-2")):
        assert pool.claim(replace(CALL, slot=slot), Claim(worker, "a", 12.0))
        pool.say(Presence(worker, "a", 13.0))
    assert [one.worker for one in pool.presences(["i-2", "i-3"])] == ["i-2"]
    assert pool.claims(CALL.run, {(0, 1)}) == {(1, 1): Claim("i-2", "a", 12.0)}

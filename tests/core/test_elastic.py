"""Which slot goes to which worker of a pool, how many workers a load wants, and who may be elastic."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.backends import LIMITS
from portal.core.elastic import SLOTS_EACH, Member, Move, next_moves, workers_wanted
from portal.core.errors import PlanRejected, RequestRejected
from portal.core.load import ClosedLoad
from portal.core.loss import OnWorkerLoss, may_replace
from portal.core.plan import LoadPlan, ScenarioRef, build_plan
from portal.core.script import ScriptFacts
from tests.core.plans import FACTS, MINUTE, asked, plan

ROOMY = 16


class Pool:
    """Workers with slots of one run, others' slots (`busy`) and so much room in all."""

    def __init__(self, holds: list[int], busy: list[int] | None = None, most: int = ROOMY) -> None:
        slots = iter(range(sum(holds)))
        self.held = [[next(slots) for _ in range(count)] for count in holds]
        self.busy, self.most = busy or [0] * len(holds), most
        self.epochs: dict[int, int] = {slot: 1 for held in self.held for slot in held}
        self.leaving: set[int] = set()

    def members(self) -> list[Member]:
        loads = [len(held) + busy for held, busy in zip(self.held, self.busy, strict=True)]
        return [
            Member(f"w{number}", tuple(held), load, max(0, self.most - load), number in self.leaving)
            for number, (held, load) in enumerate(zip(self.held, loads, strict=True))
        ]

    def moves(self) -> tuple[Move, ...]:
        return next_moves(self.members(), self.epochs)

    def settle(self) -> list[Move]:
        """Moves until there is none; more than one for each slot would be without end."""
        made: list[Move] = []
        while moves := self.moves():
            for move in moves:
                self.held[int(move.source[1:])].remove(move.slot)
                self.held[int(move.target[1:])].append(move.slot)
                self.epochs[move.slot] += 1
            made += moves
            assert len(made) <= len(self.epochs), "it does not end"
        return made

    def spread(self) -> int:
        loads = [member.load for member in self.members()]
        return max(loads) - min(loads)


holdings = st.lists(st.integers(0, 8), min_size=1, max_size=8)


@given(holdings)
def test_the_spread_ends_at_one_and_no_slot_moves_twice(holds: list[int]) -> None:
    pool = Pool(holds)
    made = pool.settle()
    assert pool.spread() <= 1
    assert all(count == 1 for count in Counter(move.slot for move in made).values())
    assert sorted(slot for held in pool.held for slot in held) == sorted(pool.epochs), "each slot has one worker"


@given(holdings)
def test_no_more_slots_move_than_somebody_has_too_many(holds: list[int]) -> None:
    least = sum(holds) // len(holds)
    assert len(Pool(holds).settle()) <= sum(max(0, count - least) for count in holds)


@given(st.integers(1, 8), st.lists(st.booleans(), min_size=1, max_size=8))
def test_what_is_balanced_stays(level: int, one_more: list[bool]) -> None:
    assert Pool([level + more for more in one_more]).moves() == ()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=6))
def test_workers_that_make_load_for_other_runs_count_as_busy(loads: list[tuple[int, int]]) -> None:
    """Every move makes the loads more alike, whichever run it belongs to: two runs do not push the same slots to and fro."""
    pool = Pool([own for own, _ in loads], [others for _, others in loads])
    before = sum(member.load**2 for member in pool.members())
    pool.settle()
    assert sum(member.load**2 for member in pool.members()) <= before
    givers = [member.load for member in pool.members() if member.slots]
    takers = [member.load for member in pool.members()]
    assert not givers or max(givers) - min(takers) <= 1


def test_one_joins_one_and_half_of_the_slots_go_there_one_by_one() -> None:
    pool = Pool([4, 0])
    assert pool.moves() == (Move(0, "w0", "w1"),)
    assert [move.slot for move in pool.settle()] == [0, 1]
    assert pool.held == [[2, 3], [0, 1]]


def test_the_slot_that_moved_least_goes_first() -> None:
    pool = Pool([3, 0])
    pool.epochs |= {0: 3, 1: 2}
    assert [move.slot for move in pool.moves()] == [2]


def test_nobody_is_given_more_than_it_has_room_for() -> None:
    pool = Pool([5, 1, 1], most=1)
    assert pool.moves() == ()


def test_all_slots_of_a_worker_that_leaves_go_at_once_each_to_the_emptiest() -> None:
    pool = Pool([3, 2, 1], most=4)
    pool.leaving = {0}
    assert pool.moves() == (Move(0, "w0", "w2"), Move(1, "w0", "w1"), Move(2, "w0", "w2"))


def test_where_nobody_has_room_whoever_comes_takes_the_slots_of_one_that_leaves() -> None:
    pool = Pool([2], most=2)
    pool.leaving = {0}
    assert pool.moves() == (Move(0, "w0", ""), Move(1, "w0", ""))


@pytest.mark.parametrize(
    ("users", "slots", "each", "workers"),
    [(100, 4, 4, 1), (100, 5, 4, 2), (1200, 12, 4, 3), (1200, 2, 4, 2), (2600, 24, 4, 6), (100, 4, 1, 4), (1, 1, 4, 1)],
)
def test_a_load_wants_workers_for_its_users_and_its_slots(users: int, slots: int, each: int, workers: int) -> None:
    load = ClosedLoad.constant(users, MINUTE)
    assert workers_wanted(load, slots, LIMITS["fargate"], slots_each=each) == workers


def built(*, facts: ScriptFacts = FACTS, backend: str = "fargate", **data: object) -> LoadPlan:
    return build_plan(
        asked(backend=backend, elastic=True, **data), run_id="r1", scenario=ScenarioRef("shop", 1, "k6", "shop.js", "d"),
        facts=facts, limits=LIMITS[backend], guard=plan().guard, targets={}, parameters={},
    )  # fmt: skip


def test_an_elastic_plan_has_slots_enough_for_its_workers_to_share_and_follows_whom_it_loses() -> None:
    found = built(vus=900, duration="10m")
    assert (found.elastic, found.workers, found.on_worker_loss) == (True, 2 * SLOTS_EACH, OnWorkerLoss.REPLACE)
    assert (found.pool, found.machines, plan().machines) == (2, 2, plan().workers), "what it costs"
    assert built(vus=900, duration="10m", workers=3).workers == 3
    assert built(vus=2, duration="10m").workers == 2, "no slot without a user"


def test_what_cannot_be_elastic_says_why() -> None:
    counted = replace(FACTS, whole_only="It counts iterations.")
    with pytest.raises(PlanRejected) as error:
        built(facts=counted, vus=5, duration="5m", on_worker_loss="abort")
    assert [problem.field for problem in error.value.problems] == ["elastic", "on_worker_loss"]
    for backend in ("lambda", "ec2"):
        with pytest.raises(PlanRejected) as error:
            built(backend=backend, vus=5, duration="5m")
        (problem,) = error.value.problems
        assert problem.field == "elastic"
        assert problem.message.startswith(f"{backend} has no pool")
        assert problem.hint


def test_whether_it_is_elastic_is_yes_or_no() -> None:
    with pytest.raises(RequestRejected, match="elastic"):
        asked(vus=5, duration="5m", elastic="perhaps")


def test_a_worker_that_dies_may_take_all_its_slots_along() -> None:
    assert not may_replace((2, 2, 1, 1), 1)
    assert may_replace((2, 2, 2, 1), 1, slots_each=SLOTS_EACH)
    assert not may_replace((3, 3, 3, 3), 3, slots_each=SLOTS_EACH)

"""A load whose slots move between the workers of a pool that grows and shrinks: how many workers it wants, which slot goes next.

Pure. A slot that moves is made by its worker until the next one begins, so that the total load stays what it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from portal.core.errors import Problem
from portal.core.load import Load
from portal.core.loss import OnWorkerLoss
from portal.core.sizing import Limits, planned_vus

SLOTS_EACH = 4
"""Slots a worker of a pool holds at once, where it does not say another number; the stack's PoolSlots."""
WORTH_IT = 2
"""By how many slots more than another's a worker's load must be before one of them goes there."""


@dataclass(frozen=True, slots=True)
class Member:
    """A worker of the pool: the slots of this run it holds, all it makes load for, how many more it can take."""

    worker: str
    slots: tuple[int, ...] = ()
    load: int = 0
    room: int = 0
    leaves: bool = False
    """Its platform takes it away."""


@dataclass(frozen=True, slots=True)
class Move:
    """`target` is empty where nobody has room yet: whoever has some first takes the slot."""

    slot: int
    source: str
    target: str


def elastic_problems(limits: Limits, backend: str, *, whole_only: str, policy: OnWorkerLoss) -> Iterator[Problem]:
    """Why a run cannot be elastic; `whole_only` as of the script's facts."""
    if not limits.is_elastic:
        yield Problem("elastic", f"{backend} has no pool whose workers could share this load.",
                      "Start it on fargate, or leave elastic out.")  # fmt: skip
    elif whole_only:
        yield Problem("elastic", whole_only, "Leave elastic out: no other worker could go on with a part of it.")
    if policy is OnWorkerLoss.ABORT:
        yield Problem("on_worker_loss", "An elastic run gives the slots of a worker that leaves to another one.",
                      "Leave on_worker_loss out, or write replace.")  # fmt: skip


def workers_wanted(load: Load, slots: int, limits: Limits, *, slots_each: int = SLOTS_EACH) -> int:
    """Of the pool: as many as the planned users need and the slots find room in, never more than there are slots."""
    return min(slots, max(1, math.ceil(planned_vus(load) / limits.vus_per_worker), math.ceil(slots / max(1, slots_each))))


def next_moves(members: Iterable[Member], epochs: Mapping[int, int]) -> tuple[Move, ...]:
    """What to hand over now: all slots of workers that leave, else one slot or none. `epochs`: of each slot, the newest.

    One goes from the fullest worker to the emptiest, and of its slots the one that has moved least: what is balanced stays.
    """
    everybody = sorted(members, key=lambda member: member.worker)
    if found := tuple(_from_leaving(everybody)):
        return found
    givers = [member for member in everybody if member.slots and not member.leaves]
    takers = [member for member in everybody if member.room > 0 and not member.leaves]
    if not givers or not takers:
        return ()
    giver, taker = max(givers, key=lambda member: member.load), min(takers, key=lambda member: member.load)
    if giver.load - taker.load < WORTH_IT:
        return ()
    slot = min(giver.slots, key=lambda slot: (epochs.get(slot, 1), slot))
    return (Move(slot, giver.worker, taker.worker),)


def _from_leaving(members: Iterable[Member]) -> Iterator[Move]:
    """They have two minutes, so all at once; each to whoever then holds least."""
    stays = {member.worker: [member.load, member.room] for member in members if not member.leaves}
    for member in members:
        for slot in member.slots if member.leaves else ():
            open_to = [worker for worker, (_, room) in stays.items() if room > 0]
            target = min(open_to, key=lambda worker: stays[worker][0], default="")
            if target:
                stays[target][0] += 1
                stays[target][1] -= 1
            yield Move(slot, member.worker, target)

"""Work for machines that wait for it: an Auto Scaling group's instances, or the tasks of a service that grows.

Calls go down, one for each worker wanted; who is free claims one with a conditional write, so that exactly one gets it.
Workers say who and where they are. What is claimed is then done as everywhere: the slot's lease decides in the end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from portal.core.errors import WireInvalid
from portal.core.ports import ObjectStore
from portal.core.wire import from_json, to_json
from portal.stores import layout
from portal.stores.many import read_many

WRITERS = 16
_NAME = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]{0,149}")


@dataclass(frozen=True, slots=True)
class Call:
    """One worker is wanted. `memory` in bytes; after `expires` (unix seconds) nobody begins it any more."""

    run: str
    slot: int
    epoch: int
    cores: int
    memory: int
    at: float
    expires: float
    worker: str = ""
    """Whom it is for; empty: whoever is free."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who took a call: instance id or task ARN, and its availability zone."""

    worker: str
    az: str
    at: float


class PresenceState(StrEnum):
    IDLE = "idle"
    WORKING = "working"
    DRAINING = "draining"
    """Its platform said that it will be taken away: it takes no call, and what it holds is to be given to another."""


@dataclass(frozen=True, slots=True)
class Held:
    run: str
    slot: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Presence:
    """A worker's sign of life; run, slot and epoch of what it holds, and what else where it can hold several."""

    worker: str
    az: str
    at: float
    state: PresenceState = PresenceState.IDLE
    run: str = ""
    slot: int | None = None
    epoch: int | None = None
    others: tuple[Held, ...] = ()
    most: int = 1
    """How many it can hold at once."""

    @classmethod
    def of(cls, worker: str, az: str, at: float, state: PresenceState, holds: Sequence[Held], most: int = 1) -> Presence:
        if not holds:
            return cls(worker, az, at, state, most=most)
        first, *others = holds
        return cls(worker, az, at, state, first.run, first.slot, first.epoch, tuple(others), most)

    @property
    def holds(self) -> tuple[Held, ...]:
        if self.slot is None or self.epoch is None:
            return ()
        return (Held(self.run, self.slot, self.epoch), *self.others)


class PoolStore:
    """One group's part of a store. Every write may be repeated."""

    def __init__(self, objects: ObjectStore, group: str) -> None:
        if not _NAME.fullmatch(group):
            raise ValueError(f"{group[:100]!r} is not the name of a group: use letters, digits and . _ = + @ -.")
        self._objects, self.group = objects, group
        self._prefix = f"pool/{group}/"
        self._claimed: frozenset[str] = frozenset()

    def call(self, calls: Iterable[Call]) -> None:
        """A call that stands already stays as it is."""
        wanted = {self._prefix + "calls/" + _call_name(call): to_json(call) for call in calls}
        if wanted:
            with ThreadPoolExecutor(min(WRITERS, len(wanted))) as writers:
                tuple(writers.map(self._objects.put_new, wanted.keys(), wanted.values()))

    def open_calls(self, most: int | None = None) -> tuple[Call, ...]:
        """Those nobody claimed, the oldest first; look at `expires` before beginning one.

        With `most` only so many, replacements before others and otherwise any: a thousand machines that look for a thousand
        calls read a few each. What was claimed once stays so: as long as nothing is new, a look is one list.
        """
        calls, claims = self._prefix + "calls/", self._prefix + "claims/"
        names = [key.removeprefix(calls) for key in self._objects.list(calls)]
        if not self._claimed.issuperset(names):
            self._claimed = frozenset(key.removeprefix(claims) for key in self._objects.list(claims))
        unclaimed = [name for name in names if name not in self._claimed]
        keys = [calls + name for name in (unclaimed if most is None else _some(unclaimed, most))]
        return tuple(sorted(read_many(self._objects, Call, keys).values(), key=lambda call: (call.at, call.run, call.slot)))

    def calls(self, run: str) -> tuple[Call, ...]:
        """All of a run that were not withdrawn."""
        return tuple(read_many(self._objects, Call, self._objects.list(f"{self._prefix}calls/{_run(run)}/")).values())

    def claim(self, call: Call, claim: Claim) -> bool:
        """Whether this worker has the call; asking twice gives the same answer, for the first one may have got lost."""
        key = self._prefix + "claims/" + _call_name(call)
        if self._objects.put_new(key, to_json(claim)):
            return True
        standing = self._objects.get(key)
        return standing is not None and from_json(Claim, standing).worker == claim.worker

    def claims(self, run: str, known: Container[tuple[int, int]] = ()) -> dict[tuple[int, int], Claim]:
        """By slot and epoch, without the known."""
        prefix = f"{self._prefix}claims/{_run(run)}/"
        keys = {key: _slot_and_epoch(key.removeprefix(prefix)) for key in self._objects.list(prefix)}
        found = read_many(self._objects, Claim, [key for key, place in keys.items() if place not in known])
        return {keys[key]: claim for key, claim in found.items()}

    def say(self, presence: Presence) -> None:
        self._objects.put(self._presence_key(presence.worker), to_json(presence))

    def leave(self, worker: str) -> None:
        """This worker is gone for good."""
        self._objects.delete(self._presence_key(worker))

    def presences(self, workers: Iterable[str] | None = None) -> tuple[Presence, ...]:
        """All that ever spoke and did not leave, or those of some workers; `at` says how fresh each is."""
        every = self._objects.list(self._prefix + "workers/") if workers is None else map(self._presence_key, workers)
        return tuple(read_many(self._objects, Presence, every).values())

    def withdraw(self, run: str) -> None:
        """Nobody takes a call of this run any more; what was claimed is forgotten with it."""
        self._objects.delete(f"{self._prefix}calls/{_run(run)}/")
        self._objects.delete(f"{self._prefix}claims/{_run(run)}/")

    def withdraw_call(self, run: str, slot: int, epoch: int) -> None:
        """Nobody takes this one any more; a claim of it stays, for its worker may be at it."""
        self._objects.delete(f"{self._prefix}calls/{_name(run, slot, epoch)}")

    def _presence_key(self, worker: str) -> str:
        # A task's ARN has colons and slashes; its last part, or an instance's id, is one name.
        name = worker.rpartition("/")[2]
        if not _NAME.fullmatch(name):
            raise ValueError(f"{worker[:200]!r} is not a worker: use an instance id or the ARN of a task.")
        return f"{self._prefix}workers/{name}.json"


def _some(names: list[str], most: int) -> list[str]:
    """Of the highest epochs first, and of one epoch any."""
    random.shuffle(names)
    return sorted(names, key=lambda name: -_slot_and_epoch(name.rpartition("/")[2])[1])[:most]


def _call_name(call: Call) -> str:
    return _name(call.run, call.slot, call.epoch)


def _name(run: str, slot: int, epoch: int) -> str:
    return f"{_run(run)}/{layout.slot_part(slot)}-{layout.epoch_part(epoch)}.json"


def _run(run: str) -> str:
    return layout.run_prefix(run).removeprefix("runs/").removesuffix("/")


def _slot_and_epoch(name: str) -> tuple[int, int]:
    slot, _, epoch = name.removesuffix(".json").partition("-")
    if not (slot.isdecimal() and epoch.isdecimal()):
        raise WireInvalid(f"{name[:200]!r} is not the name of a call.")
    return int(slot), int(epoch)

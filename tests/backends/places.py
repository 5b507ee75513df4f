"""Where workers run, as small real worlds behind the doors: what AWS would remember, and how it fails when a test says so.

Each world tells who was started, lets a worker begin, go on (`live`), die or be done (`leave`), and gives its backend.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from portal.aws.autoscaling import Group, GroupDoor, Instance
from portal.aws.ecs import EcsDoor, TaskOrder, TaskState
from portal.aws.errors import AwsError
from portal.aws.quotas import QuotaDoor
from portal.backends.ec2 import Ec2Backend
from portal.backends.fargate import FargateBackend
from portal.core.aws_place import AwsPlace
from portal.core.ports import Backend, WorkerHandle
from portal.stores.memory import MemoryStore
from portal.stores.pool import Claim, PoolStore, Presence, PresenceState
from tests.backends.fake_service import FakeService
from tests.fakes import FakeClock

PLACE = AwsPlace(
    "eu-central-1", "results", function="runner", cluster="load", task_definition="artillery:3", subnets=("subnet-a",),
    worker_group="workers", queue_url="https://sqs.eu-central-1.amazonaws.com/1/failed", pool_service="pool",
)  # fmt: skip
Started = set[tuple[int, int]]


class World(Protocol):
    clock: FakeClock

    def backend(self) -> Backend: ...
    def started(self) -> Started:
        """Slot and epoch of every worker that was started or asked for; who was started twice counts once."""

    def begin(self, handle: WorkerHandle) -> None: ...
    def live(self, handle: WorkerHandle) -> None: ...
    def die(self, handle: WorkerHandle) -> None: ...
    def leave(self, handle: WorkerHandle) -> None: ...


class FakeQuotas(QuotaDoor):
    def __init__(self) -> None:
        self.most: float | None = None
        self.free: int | None = None

    def value(self, quota: tuple[str, str]) -> float | None:
        return self.most

    def free_addresses(self, subnets: Sequence[str]) -> int | None:
        return self.free


class Trouble:
    """Errors to come, one for each call of a slot; `after`: the call is done all the same, and only its answer is lost."""

    def __init__(self) -> None:
        self.errors: dict[int, list[AwsError]] = {}
        self.always: AwsError | None = None
        self.after = False
        self._lock = threading.Lock()

    def of(self, slot: int) -> AwsError | None:
        with self._lock:
            waiting = self.errors.get(slot)
            return waiting.pop(0) if waiting else self.always


class FargateWorld(EcsDoor):
    """A cluster that knows tasks by token, as ECS does."""

    def __init__(self) -> None:
        self.clock, self.trouble, self.quotas = FakeClock(), Trouble(), FakeQuotas()
        self.pool, self.service = PoolStore(MemoryStore(), "fargate"), FakeService()
        self.tokens: dict[str, str] = {}
        self.orders: dict[str, TaskOrder] = {}
        self.status: dict[str, str] = {}
        self.stopped: list[str] = []
        self.asked = 0
        self.away: AwsError | None = None
        self.unknown = False
        self.place = PLACE

    def backend(self) -> FargateBackend:
        return FargateBackend(self.place, self, self.service, self.quotas, self.pool, self.clock)

    def run(self, place: AwsPlace, order: TaskOrder) -> str:
        error = self.trouble.of(int(order.environment["KNOPFDRUCK_SLOT"]))
        arn = self.tokens.get(order.token) or f"arn:aws:ecs:eu-central-1:1:task/load/{len(self.tokens):032x}"
        if error is None or self.trouble.after:
            self.tokens[order.token], self.orders[arn] = arn, order
            self.status.setdefault(arn, "PROVISIONING")
        if error is not None:
            raise error
        return arn

    def states(self, cluster: str, arns: Sequence[str]) -> dict[str, TaskState]:
        self.asked += 1
        if self.away is not None:
            raise self.away
        known = () if self.unknown else [arn for arn in arns if arn in self.status]
        return {arn: TaskState(arn, self.status[arn], self.orders[arn].started_by, "eu-central-1b") for arn in known}

    def all_tasks(self, cluster: str) -> tuple[str, ...]:
        return tuple(arn for arn, status in self.status.items() if status != "STOPPED")

    def stop(self, cluster: str, arn: str, reason: str) -> None:
        if self.away is not None:
            raise self.away
        self.stopped.append(arn)
        self.status[arn] = "STOPPED"

    def vcpus(self, task_definition: str) -> float:
        return 2.0

    def started(self) -> Started:
        told = [order.environment for order in self.orders.values()]
        return {(int(one["KNOPFDRUCK_SLOT"]), int(one["KNOPFDRUCK_EPOCH"])) for one in told}

    def begin(self, handle: WorkerHandle) -> None:
        self.status[handle.reference] = "RUNNING"

    live = begin

    def die(self, handle: WorkerHandle) -> None:
        self.status[handle.reference] = "STOPPED"

    leave = die


class FakeLedger:
    """The ledger of one process; `busy`: another one changes the group's size."""

    def __init__(self, clock: FakeClock) -> None:
        self.holds: dict[str, int] = {}
        self.busy = False
        self._clock = clock
        self._free: float | None = None

    def hold(self, group: str, run_id: str, workers: int) -> None:
        self.holds[run_id], self._free = workers, None

    def release(self, group: str, run_id: str) -> None:
        if self.holds.pop(run_id, None) is not None and not self.holds:
            self._free = self._clock.now()

    def held(self, group: str) -> int:
        return sum(self.holds.values())

    def holders(self, group: str) -> tuple[str, ...]:
        return tuple(self.holds)

    def free_since(self, group: str) -> float | None:
        return self._free

    @contextmanager
    def alone(self, group: str) -> Iterator[bool]:
        yield not self.busy


class Ec2World(GroupDoor):
    """A group whose instances are there as soon as they are asked for, and wait in the pool."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger(self.clock)
        self.pool = PoolStore(MemoryStore(), "ec2")
        self.desired, self.most, self.least = 0, 20, 0
        self.away: AwsError | None = None
        self.trouble = Trouble()  # Of the group's growth, which is no slot's: asked for as 0.
        self.ended: list[str] = []
        self.sizes: list[int] = []

    def backend(self) -> Ec2Backend:
        return Ec2Backend(PLACE, self, self.pool, self.ledger, self.clock)

    def look(self, group: str) -> Group:
        if self.away is not None:
            raise self.away
        names = [f"i-{number}" for number in range(self.desired + len(self.ended))]
        there = (Instance(name, self.zone(name), "InService") for name in names if name not in self.ended)
        return Group(self.desired, self.least, self.most, tuple(there))

    def grow(self, group: str, desired: int) -> None:
        error = self.trouble.of(0)
        if error is None or self.trouble.after:
            self.desired = desired
            self.sizes.append(desired)
        if error is not None:
            raise error

    def end(self, instances: Sequence[str]) -> None:
        self.ended += instances
        self.desired -= len(instances)

    @staticmethod
    def zone(worker: str) -> str:
        return "eu-central-1" + "abc"[int(worker.removeprefix("i-")) % 3]

    def started(self) -> Started:
        return {(call.slot, call.epoch) for call in self.pool.calls("run1")}

    def say(self, worker: str, state: PresenceState = PresenceState.IDLE, handle: WorkerHandle | None = None) -> None:
        what = ("run1", handle.slot, handle.epoch) if handle else ("", None, None)
        self.pool.say(Presence(worker, self.zone(worker), self.clock.now(), state, *what))

    def begin(self, handle: WorkerHandle) -> None:
        call = next(call for call in self.pool.open_calls() if (call.slot, call.epoch) == (handle.slot, handle.epoch))
        worker = f"i-{handle.slot}"
        assert self.pool.claim(call, Claim(worker, self.zone(worker), self.clock.now()))
        self.say(worker, PresenceState.WORKING, handle)

    def live(self, handle: WorkerHandle) -> None:
        self.say(f"i-{handle.slot}", PresenceState.WORKING, handle)

    def die(self, handle: WorkerHandle) -> None:
        self.clock.advance(31.0)

    def leave(self, handle: WorkerHandle) -> None:
        self.say(f"i-{handle.slot}")

"""An elastic run under load, and a pool whose workers hold its slots by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from portal.core.elastic import Member
from portal.core.errors import LaunchFailed
from portal.core.loss import OnWorkerLoss
from portal.core.plan import LoadPlan
from portal.core.ports import WorkerHandle
from portal.core.protocol import DoneReason, TakeOver
from portal.models import Run, RunEvent, Worker
from tests.usecases.parts import FakeBackend
from tests.usecases.watching import running
from tests.usecases.workers import FakeWorker

LENGTH = 300


@dataclass
class Pool(FakeBackend):
    """Workers by name with the slots they hold; whoever is called over holds the slot too, once `answers`."""

    name: str = "fargate"
    members: dict[str, list[int]] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    called: list[tuple[int, int, str]] = field(default_factory=list)
    most: int = 4
    error: LaunchFailed | None = None
    looks: int = 0

    def crew(self, run_id: str) -> tuple[Member, ...]:
        self.looks += 1
        return tuple(
            Member(name, tuple(slots), len(slots), self.most - len(slots), name in self.leaving)
            for name, slots in self.members.items()
        )

    def call_over(self, plan: LoadPlan, slot: int, epoch: int, worker: str) -> WorkerHandle:
        if self.error:
            raise self.error
        self.called.append((slot, epoch, worker))
        return WorkerHandle(slot, epoch, "call:here")

    def moved(self, slot: int, target: str) -> None:
        for slots in self.members.values():
            if slot in slots:
                slots.remove(slot)
        self.members[target].append(slot)


class Elastic:
    """A run of four slots under load, all held by one worker; another has just joined."""

    def __init__(self, slots: int = 4) -> None:
        self.scene, self.watcher, workers, self.t0 = running(
            slots, backend="fargate", pool=1, duration=timedelta(seconds=LENGTH), on_worker_loss=OnWorkerLoss.REPLACE
        )
        self.pool = self.scene.backend = Pool(members={"w1": list(range(slots)), "w2": []})
        self.workers = {worker.slot: worker for worker in workers}
        self.measured = dict.fromkeys(self.workers, 0)
        self.to(10)
        self.look()

    def to(self, second: int, *silent: int) -> None:
        self.scene.clock.sleep(self.t0 + second - self.scene.clock.now())
        for slot, worker in self.workers.items():
            if slot not in silent:
                if second > self.measured[slot]:
                    worker.measure(self.t0 + self.measured[slot], self.t0 + second)
                    self.measured[slot] = second
                worker.beat()

    def look(self) -> Run:
        """Whoever is asked by it was asked now, by the scene's clock."""
        before = set(Worker.objects.values_list("id", flat=True))
        run = self.watcher.look()
        now = datetime.fromtimestamp(self.scene.clock.now(), UTC)
        Worker.objects.exclude(id__in=before).update(launched=now)
        return run

    def begin(self, slot: int, second: int, target: str = "w2") -> None:
        """Whoever was asked last goes on with the slot from `second` on, and the other ends; the clock is there then."""
        before = self.workers[slot]
        epoch = max(epoch for called, epoch, _ in self.pool.called if called == slot)
        after = FakeWorker(self.scene, before.store, slot, epoch=epoch)
        after.store.take_over(TakeOver(slot, epoch, self.t0 + second))
        self.look()
        self.to(second)
        before.done(DoneReason.RELIEVED, first_second=self.t0, last_second=self.t0 + second)
        self.workers[slot] = after
        after.beat()
        self.pool.moved(slot, target)
        self.look()

    def rows(self, slot: int) -> list[tuple[int, str, str]]:
        found = Worker.objects.filter(run=self.watcher.run, slot=slot).order_by("epoch")
        return [(row.epoch, str(row.relief), str(row.state)) for row in found]

    def events(self) -> list[str]:
        return [text for text in RunEvent.objects.values_list("text", flat=True) if text.startswith("Slot")]

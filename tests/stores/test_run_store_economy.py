"""What can no longer change is read once, and a look costs one list and the gets it needs."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from portal.core.protocol import Beat, Done, DoneReason, Ready, WorkerPhase
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore

TEN = timedelta(seconds=10)


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def get(self, key: str) -> bytes | None:
        self.calls["get"] += 1
        return super().get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        self.calls["list"] += 1
        return super().list(prefix)


def a_done(slot: int = 0, epoch: int = 1, reason: DoneReason = DoneReason.COMPLETED) -> Done:
    return Done(slot, epoch, 99.5, reason, 0, log_tail=("läuft", "fertig"), snapshots=2, digests=("aa", "bb"), first_second=10)


def test_a_second_look_reads_no_done_twice() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.done(a_done(slot))
    run.dones()
    run.done(a_done(5))
    objects.calls.clear()
    assert len(run.dones()) == 6
    assert objects.calls == {"list": 1, "get": 1}


def test_a_look_at_beats_is_one_list_and_the_gets() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.beat(Beat(slot, 1, 1.0, WorkerPhase.READY))
    assert len(run.beats()) == 5
    assert objects.calls == {"list": 1, "get": 5}


def test_slots_known_to_be_ready_are_not_read_again() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.say_ready(Ready(slot, 1, 1.0))
    epochs = dict.fromkeys(range(6), 1)
    assert run.ready_slots(epochs) == set(range(5))
    run.say_ready(Ready(5, 1, 2.0))
    objects.calls.clear()
    assert run.ready_slots(epochs) == set(range(6))
    assert objects.calls == {"list": 1, "get": 1}
    objects.calls.clear()
    assert run.ready_slots(epochs) == set(range(6))
    assert objects.calls == {}

"""One run's part of a store, typed: what controller and workers leave for each other, every write repeatable.

Missing things are None. Raises StoreUnavailable and StoreFull from the store, WireInvalid for bytes we did not write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from portal.core.plan import LoadPlan
from portal.core.ports import ObjectStore
from portal.core.protocol import Beat, Done, Lease, Pulse, Ready, Start, Stop, TakeOver
from portal.core.split import WorkerAssignment
from portal.core.timeline import TimePoint
from portal.core.wire import from_json, to_json
from portal.stores import layout
from portal.stores.many import read_many

T = TypeVar("T")


class RunStore:
    """Keep one instance per run while watching it: it remembers what can no longer change."""

    def __init__(self, objects: ObjectStore, run_id: str) -> None:
        self.run_id = run_id
        self._objects = objects
        self._prefix = layout.run_prefix(run_id)
        self._dones: dict[str, Done] = {}
        self._ready: set[tuple[int, int]] = set()

    def save_plan(self, plan: LoadPlan) -> None:
        self._objects.put(layout.plan_key(self.run_id), to_json(plan))

    def plan(self) -> LoadPlan | None:
        return self._read(LoadPlan, layout.plan_key(self.run_id))

    def save_bundle(self, bundle: bytes) -> str:
        """The sha256 that the plan carries and every worker checks."""
        self._objects.put(layout.bundle_key(self.run_id), bundle)
        return hashlib.sha256(bundle).hexdigest()

    def bundle(self) -> bytes | None:
        return self._objects.get(layout.bundle_key(self.run_id))

    def assign(self, assignment: WorkerAssignment) -> None:
        self._objects.put(layout.assignment_key(self.run_id, assignment.slot, assignment.epoch), to_json(assignment))

    def assignment(self, slot: int, epoch: int) -> WorkerAssignment | None:
        return self._read(WorkerAssignment, layout.assignment_key(self.run_id, slot, epoch))

    def take_lease(self, lease: Lease) -> bool:
        """Whether this very lease holds the slot; repeating it gives the same answer, for the first one may have got lost."""
        return self._first(Lease, layout.lease_key(self.run_id, lease.slot, lease.epoch), lease) == lease

    def lease(self, slot: int, epoch: int) -> Lease | None:
        return self._read(Lease, layout.lease_key(self.run_id, slot, epoch))

    def leased(self) -> frozenset[tuple[int, int]]:
        """Slot and epoch of every worker that ever began."""
        return frozenset(map(layout.parse_lease_key, self._objects.list(layout.lease_prefix(self.run_id))))

    def take_over(self, take_over: TakeOver) -> TakeOver:
        return self._first(TakeOver, layout.take_over_key(self.run_id, take_over.slot, take_over.epoch), take_over)

    def taken_over(self, slot: int, epoch: int) -> TakeOver | None:
        return self._read(TakeOver, layout.take_over_key(self.run_id, slot, epoch))

    def say_ready(self, ready: Ready) -> None:
        self._objects.put(layout.ready_key(self.run_id, ready.slot), to_json(ready))

    def ready_slots(self, epochs: Mapping[int, int]) -> frozenset[int]:
        """Which of the given slots have been ready in their given epoch. Reads only those not known yet."""
        wanted = {layout.ready_key(self.run_id, slot) for slot, epoch in epochs.items() if (slot, epoch) not in self._ready}
        if wanted:
            keys = wanted.intersection(self._objects.list(layout.ready_prefix(self.run_id)))
            self._ready.update((one.slot, one.epoch) for one in read_many(self._objects, Ready, sorted(keys)).values())
        return frozenset(slot for slot, epoch in epochs.items() if (slot, epoch) in self._ready)

    def save_setup(self, data: bytes) -> bool:
        """What the script's setup() gave; the first stands, and False means that it was not this one."""
        return self._objects.put_new(layout.setup_key(self.run_id), data)

    def setup(self) -> bytes | None:
        return self._objects.get(layout.setup_key(self.run_id))

    def take_teardown(self, lease: Lease) -> bool:
        """Whether this worker is the one to run the script's teardown(); repeating it gives the same answer."""
        return self._first(Lease, layout.teardown_key(self.run_id), lease) == lease

    # Down: start, stop, pulse

    def start(self, start: Start) -> Start:
        """Written once; gives the one that stands, which may be another controller's."""
        return self._first(Start, layout.start_key(self.run_id), start)

    def started(self) -> Start | None:
        return self._read(Start, layout.start_key(self.run_id))

    def ask_stop(self, stop: Stop) -> Stop:
        """The stop that stands: the first one's reason, hard as soon as anyone asked for it."""
        key = layout.stop_key(self.run_id)
        standing = self._first(Stop, key, stop)
        if stop.hard and not standing.hard:
            # Nobody ever takes `hard` away, so writers that cross here write the same.
            standing = replace(standing, hard=True)
            self._objects.put(key, to_json(standing))
        return standing

    def stop_asked(self) -> Stop | None:
        return self._read(Stop, layout.stop_key(self.run_id))

    def pulse(self, pulse: Pulse) -> None:
        self._objects.put(layout.pulse_key(self.run_id), to_json(pulse))

    def last_pulse(self) -> Pulse | None:
        return self._read(Pulse, layout.pulse_key(self.run_id))

    # Up: beats, snapshots, done, raw files

    def beat(self, beat: Beat) -> None:
        self._objects.put(layout.beat_key(self.run_id, beat.slot), to_json(beat))

    def beats(self) -> dict[int, Beat]:
        """The last one of every slot; its epoch tells whether a replaced worker still speaks."""
        found = read_many(self._objects, Beat, self._objects.list(layout.beat_prefix(self.run_id)))
        return {beat.slot: beat for beat in found.values()}

    def last_beat(self, slot: int) -> Beat | None:
        return self._read(Beat, layout.beat_key(self.run_id, slot))

    def put_snapshot(self, slot: int, epoch: int, seq: int, data: bytes) -> None:
        self._objects.put(layout.snapshot_key(self.run_id, slot, epoch, seq), data)

    def snapshot_keys(self, known: Container[str] = ()) -> tuple[str, ...]:
        """All but the known, in order of slot, epoch and seq. Who follows a run asks `snapshot` for the next of each worker."""
        return tuple(key for key in self._objects.list(layout.snapshot_prefix(self.run_id)) if key not in known)

    def snapshot_seqs(self, slot: int, epoch: int) -> tuple[int, ...]:
        """One worker's, in order: also those behind one that is missing."""
        prefix = layout.worker_snapshot_prefix(self.run_id, slot, epoch)
        return tuple(layout.parse_snapshot_key(key)[2] for key in self._objects.list(prefix))

    def drop_snapshots(self) -> None:
        self._objects.delete(layout.snapshot_prefix(self.run_id))

    def snapshot_bytes(self, key: str) -> bytes | None:
        return self._objects.get(self._own(key))

    def snapshot(self, slot: int, epoch: int, seq: int) -> bytes | None:
        return self._objects.get(layout.snapshot_key(self.run_id, slot, epoch, seq))

    def done(self, done: Done) -> None:
        """A worker's last word is its first: a second one for the same slot and epoch changes nothing."""
        self._objects.put_new(layout.done_key(self.run_id, done.slot, done.epoch), to_json(done))

    def dones(self) -> dict[tuple[int, int], Done]:
        """By (slot, epoch). A done never changes, so each is read once."""
        keys = self._objects.list(layout.done_prefix(self.run_id))
        self._dones |= read_many(self._objects, Done, [key for key in keys if key not in self._dones])
        return {(done.slot, done.epoch): done for done in self._dones.values()}

    def put_raw(self, slot: int, name: str, data: bytes) -> None:
        self._objects.put(layout.raw_key(self.run_id, slot, name), data)

    def raw_keys(self) -> tuple[str, ...]:
        return self._objects.list(layout.raw_prefix(self.run_id))

    def raw_bytes(self, key: str) -> bytes | None:
        return self._objects.get(self._own(key))

    def put_lines(self, slot: int, epoch: int, piece: int, lines: tuple[str, ...]) -> None:
        """New lines of the engine's log; a piece that a beat counts never changes any more."""
        self._objects.put(layout.lines_key(self.run_id, slot, epoch, piece), to_json(lines))

    def lines(self, pieces: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int, int], tuple[str, ...]]:
        """By (slot, epoch, piece)."""
        keys = {layout.lines_key(self.run_id, *piece): piece for piece in pieces}
        return {keys[key]: lines for key, lines in read_many(self._objects, tuple[str, ...], keys).items()}

    # The live timeline

    def save_timeline(self, step: int, chunk: int, points: tuple[TimePoint, ...]) -> None:
        """`step` in seconds."""
        self._objects.put(layout.timeline_key(self.run_id, step, chunk), to_json(points))

    def timeline(self, step: int, chunks: Iterable[int]) -> tuple[TimePoint, ...]:
        """The points of these chunks in order; a chunk nobody wrote has none."""
        keys = [layout.timeline_key(self.run_id, step, chunk) for chunk in chunks]
        found = read_many(self._objects, tuple[TimePoint, ...], keys)
        return tuple(point for key in keys for point in found.get(key, ()))

    # Results

    def save_series(self, resolution: int, chunk: int, data: bytes) -> str:
        """`resolution` in seconds. Gives the key, which depends on the content; what was there before stays."""
        key = layout.series_key(self.run_id, resolution, chunk, hashlib.sha256(data).hexdigest()[:16])
        self._objects.put(key, data)
        return key

    def series_keys(self, resolution: int) -> tuple[str, ...]:
        return self._objects.list(layout.series_prefix(self.run_id, resolution))

    def drop_series(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._objects.delete(self._own(key))

    def series_bytes(self, key: str) -> bytes | None:
        return self._objects.get(self._own(key))

    def save_kept(self, number: int, data: bytes) -> bool:
        """Written once for each number; False where another process was first. The last two are there."""
        if number > 2:
            self._objects.delete(layout.kept_key(self.run_id, number - 2))
        return self._objects.put_new(layout.kept_key(self.run_id, number), data)

    def kept(self) -> tuple[bytes, ...]:
        """The last two, the newest last."""
        keys = self._objects.list(layout.kept_prefix(self.run_id))[-2:]
        return tuple(data for key in keys if (data := self._objects.get(key)) is not None)

    def save_summary(self, data: bytes) -> None:
        self._objects.put(layout.summary_key(self.run_id), data)

    def summary(self) -> bytes | None:
        return self._objects.get(layout.summary_key(self.run_id))

    def delete_run(self) -> None:
        self._dones.clear()
        self._ready.clear()
        self._objects.delete(self._prefix)

    def _read(self, kind: type[T], key: str) -> T | None:
        data = self._objects.get(key)
        return None if data is None else from_json(kind, data)

    def _first(self, kind: type[T], key: str, value: T) -> T:
        """The value that stands under a key that is written once."""
        if self._objects.put_new(key, to_json(value)):
            return value
        return self._read(kind, key) or value

    def _own(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise ValueError(f"{key[:200]!r} does not belong to run {self.run_id}.")
        return key

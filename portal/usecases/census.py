"""How the workers of a run are: what they said themselves, and what their backend says of them. Kept in Worker rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.core.ports import Backend, WorkerStatus
from portal.core.protocol import Beat, Done, DoneReason, WorkerPhase
from portal.models import Run, Worker
from portal.models.worker import WorkerState
from portal.stores.run_store import RunStore

SILENT_SECONDS = 15.0
"""Without a beat a worker nobody can vouch for is lost."""
HUNG_SECONDS = 60.0
"""Without a beat even a worker whose process lives is lost."""
NO_LOAD = frozenset({DoneReason.NOT_STARTED, DoneReason.ENGINE_FAILED, DoneReason.STORE_FAILED, DoneReason.CONTROLLER_LOST})
"""Endings after which a slot's part of the load is missing."""


@dataclass(frozen=True, slots=True)
class Census:
    """By slot. `expected` is the number of workers planned, `rows` those launched."""

    expected: int
    rows: tuple[Worker, ...]
    states: Mapping[int, str]
    dones: Mapping[int, Done]

    def slots(self, *states: str) -> tuple[int, ...]:
        return tuple(sorted(slot for slot, state in self.states.items() if state in states))

    @property
    def all_ready(self) -> bool:
        return len(self.slots(WorkerState.READY)) == self.expected

    @property
    def all_over(self) -> bool:
        """Every launched worker is done or lost."""
        return len(self.slots(WorkerState.DONE, WorkerState.LOST)) == len(self.rows)

    @property
    def lost(self) -> tuple[int, ...]:
        """Slots whose load is missing: workers that vanished, never started or could not report."""
        broken = {slot for slot, done in self.dones.items() if done.reason in NO_LOAD}
        return tuple(sorted(broken | set(self.slots(WorkerState.LOST))))

    def messages(self, *reasons: DoneReason) -> tuple[str, ...]:
        """What workers that ended for one of `reasons` said, each sentence once."""
        found = [done.message for done in self.dones.values() if done.reason in reasons and done.message]
        return tuple(dict.fromkeys(found))

    def counts(self) -> dict[str, int]:
        return {str(state.value): len(self.slots(state)) for state in WorkerState}


def take_census(run: Run, store: RunStore, backend: Backend, now: float, *, heard_since: float = 0.0) -> Census:
    """The backend is asked before the store: a worker that says done and exits in between is done, not lost.

    Silence counts from `heard_since` on: while the store was away nobody could be heard.
    """
    rows = tuple(Worker.objects.filter(run=run))
    statuses = backend.poll(tuple(row.handle() for row in rows if row.state not in (WorkerState.DONE, WorkerState.LOST)))
    dones = {slot: done for (slot, _), done in store.dones().items()}
    beats = store.beats()
    ready = store.ready_slots({row.slot: row.epoch for row in rows})
    changed = []
    for row in rows:
        beat = beats.get(row.slot)
        silent = now - max(beat.at if beat else 0.0, row.launched.timestamp(), heard_since)
        state, message = _state(row, statuses.get(row.slot), dones.get(row.slot), beat, row.slot in ready, silent)
        if _update(row, state, message, beat):
            changed.append(row)
    Worker.objects.bulk_update(changed, ("state", "message", "cpu_cores", "memory_bytes", "last_beat"))
    return Census(run.workers, rows, {row.slot: row.state for row in rows}, dones)


def _state(
    row: Worker, status: WorkerStatus | None, done: Done | None, beat: Beat | None, is_ready: bool, silent: float
) -> tuple[str, str]:
    if done is not None:
        return WorkerState.DONE, f"{done.reason.value.replace('_', ' ')}. {done.message}".strip()
    if row.state == WorkerState.LOST:
        return WorkerState.LOST, row.message
    if status is WorkerStatus.GONE:
        return WorkerState.LOST, "The worker vanished without a last word."
    if silent > (HUNG_SECONDS if status is WorkerStatus.ALIVE else SILENT_SECONDS):
        return WorkerState.LOST, f"No sign of life for {silent:.0f} s."
    if beat is not None and beat.phase in (WorkerPhase.RUNNING, WorkerPhase.DRAINING):
        return WorkerState.RUNNING, ""
    return (WorkerState.READY if is_ready else WorkerState.LAUNCHED), ""


def _update(row: Worker, state: str, message: str, beat: Beat | None) -> bool:
    beat_at = None if beat is None else datetime.fromtimestamp(beat.at, UTC)
    if (row.state, row.message, row.last_beat) == (state, message, beat_at):
        return False
    row.state, row.message, row.last_beat = state, message, beat_at
    if beat is not None:
        row.cpu_cores, row.memory_bytes = beat.cpu_cores, beat.memory_bytes
    return True

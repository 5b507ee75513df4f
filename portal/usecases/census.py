"""How the workers of a run are: what they said themselves, and what their backend says of them. Kept in Worker rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from portal.core.ports import Backend, WorkerStatus
from portal.core.protocol import NEVER, Beat, Done, DoneReason, Pulse, WorkerPhase
from portal.core.slices import OVERLAP
from portal.models import Run, Worker
from portal.models.worker import Relief, WorkerState
from portal.stores.run_store import RunStore
from portal.usecases.hear_failures import hear_failures

SILENT_SECONDS = 14.0
"""Without a beat (one every 3 s) a worker is lost, also one whose process lives: it may be frozen."""
FIRST_WORD_SECONDS = 120.0
"""As long may its platform take until a worker speaks for the first time."""
SLICE_WORD_SECONDS = OVERLAP.total_seconds() + SILENT_SECONDS
"""The next slice's worker waits in silence until its time has come."""
WRITTEN = ("relief", "state", "message", "cpu_cores", "memory_bytes", "last_beat", "log_stream")
NO_LOAD = frozenset({
    DoneReason.NOT_STARTED, DoneReason.ENGINE_FAILED, DoneReason.STORE_FAILED, DoneReason.CONTROLLER_LOST, DoneReason.SUPERSEDED,
})  # fmt: skip
"""Endings after which a slot's part of the load is missing."""
TWIN_SECONDS, CLOCKS_SECONDS = 5.0, 1.0
"""A call may have been taken twice, and given up only once: so long its twin is listened for, whose beats come every 3 s and
are later than the failure by more than the second that clocks may differ."""
LONGEST_STREAM = 300
CAME_BACK = " It came back and ended by itself."


@dataclass(frozen=True, slots=True)
class Census:
    """By slot. `expected` is the number of workers planned, `rows` those launched, of every slot who makes its load."""

    expected: int
    rows: tuple[Worker, ...]
    states: Mapping[int, str]
    dones: Mapping[int, Done]
    former: tuple[Worker, ...] = ()
    """Those that were replaced, or called off."""
    asked: tuple[Worker, ...] = ()
    """Those that shall go on with a slot and have not begun."""
    leaving: frozenset[int] = frozenset()
    """Slots whose machine will be taken away within minutes."""
    said: Mapping[tuple[int, int], Done] = field(default_factory=dict)
    """Last words of all workers, by slot and epoch."""
    pieces: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """By slot and epoch, of the engine's log in the store."""

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

    @property
    def failed(self) -> tuple[int, ...]:
        """Slots that need an answer while the load goes on: the lost, and those whose platform takes or took them away."""
        taken = {slot for slot, done in self.dones.items() if done.reason is DoneReason.TERMINATED}
        leaving = self.leaving - set(self.slots(WorkerState.DONE, WorkerState.LOST))
        return tuple(sorted(taken | leaving | set(self.lost)))

    def newest_epoch(self, slot: int) -> int:
        return max(row.epoch for row in (*self.former, *self.rows, *self.asked) if row.slot == slot)

    def row(self, slot: int) -> Worker:
        return next(row for row in self.rows if row.slot == slot)

    def messages(self, *reasons: DoneReason) -> tuple[str, ...]:
        """What workers that ended for one of `reasons` said, each sentence once."""
        found = [done.message for done in self.dones.values() if done.reason in reasons and done.message]
        return tuple(dict.fromkeys(found))

    def counts(self) -> dict[str, int]:
        return {str(state.value): len(self.slots(state)) for state in WorkerState}


def take_census(
    run: Run, store: RunStore, backend: Backend, now: float, *, heard_since: float = 0.0, first_word: float = FIRST_WORD_SECONDS
) -> Census:
    """The backend is asked before the store: a worker that says done and exits in between is done, not lost.
    What its platform tells of this and other runs is noted in their rows, which is why it is heard before rows are read.

    `first_word`: the seconds in which a platform brings a worker to its first word.
    Silence counts from `heard_since` on: while the store was away nobody could be heard. Raises StoreUnavailable.
    """
    hear_failures(backend)
    every = tuple(Worker.objects.filter(run=run).order_by("slot", "epoch"))
    begun = [row for row in every if has_begun(row, store)]
    newest = {row.slot: row for row in begun}
    rows, asked = tuple(newest.values()), tuple(row for row in every if row.relief == Relief.ASKED and row not in begun)
    former = tuple(row for row in every if row is not newest.get(row.slot) and row not in asked)
    # One without a reference was started by a process that died before it could note it: its beats must do.
    open_rows = [row for row in rows if row.state not in (WorkerState.DONE, WorkerState.LOST)]
    statuses = backend.poll(tuple(row.handle() for row in open_rows if row.reference))
    said = store.dones()
    dones = {row.slot: said[row.slot, row.epoch] for row in rows if (row.slot, row.epoch) in said}
    beats = {(beat.slot, beat.epoch): beat for beat in store.beats().values()}
    ready = store.ready_slots({row.slot: row.epoch for row in rows})
    silences = {row.slot: _silence(row, beats.get((row.slot, row.epoch)), heard_since, now, first_word) for row in open_rows}
    if any(seconds is not None for seconds in silences.values()):
        store.pulse(Pulse(now))  # Who can read a full store does not see that nobody can write: then nobody is lost.
    changed = [row for row in former if _parted(row, said.get((row.slot, row.epoch)))]
    for row in rows:
        is_new = row.relief == Relief.ASKED
        row.relief = Relief.BEGUN if is_new else row.relief
        beat = beats.get((row.slot, row.epoch))
        status = WorkerStatus.GONE if _was_given_up(row, beat, now) else statuses.get(row.slot)
        state, message = _state(row, status, dones.get(row.slot), beat, row.slot in ready, silences.get(row.slot))
        if _update(row, state, message, beat) or is_new:
            changed.append(row)
    # As inserts that meet their own rows: bulk_update would write one CASE per column and row, twenty times the cost.
    Worker.objects.bulk_create(changed, update_conflicts=True, unique_fields=("id",), update_fields=WRITTEN)
    leaving = frozenset(slot for slot, status in statuses.items() if status is WorkerStatus.LEAVING)
    leaving |= {row.slot for row in rows if _says_it_leaves(beats.get((row.slot, row.epoch)))}
    pieces = {worker: beat.pieces for worker, beat in beats.items()} | {worker: done.pieces for worker, done in said.items()}
    states = {row.slot: row.state for row in rows} | _still_running(former, newest, beats, now)
    return Census(run.workers, rows, states, dones, former, asked, leaving, said, pieces)


def has_begun(row: Worker, store: RunStore) -> bool:
    """Whether the slot is, or was, this worker's. One that was asked says so itself, in the store."""
    if row.relief != Relief.ASKED:
        return row.relief != Relief.OFF
    found = store.taken_over(row.slot, row.epoch)
    return found is not None and found.begins != NEVER


def _silence(row: Worker, beat: Beat | None, heard_since: float, now: float, first_word: float) -> float | None:
    """For how many seconds it has been silent, where that is too long."""
    seconds = now - max(beat.at if beat else 0.0, row.launched.timestamp(), heard_since)
    before = SLICE_WORD_SECONDS if row.part else first_word
    return seconds if seconds > (SILENT_SECONDS if beat else before) else None


def _was_given_up(row: Worker, beat: Beat | None, now: float) -> bool:
    """Whether its platform said so, and nobody works in its place."""
    if row.failed_at is None or beat is None:
        return row.failed_at is not None
    failed = row.failed_at.timestamp()
    return beat.at <= failed + CLOCKS_SECONDS and now > failed + TWIN_SECONDS


def _still_running(
    former: Iterable[Worker], newest: Mapping[int, Worker], beats: Mapping[tuple[int, int], Beat], now: float
) -> dict[int, str]:
    """Slots where one worker is at work while the next is prepared (or has failed to be)."""
    before = (row for row in former if row.state == WorkerState.RUNNING and _is_awaited(newest[row.slot], row))
    heard = ((row, beats.get((row.slot, row.epoch))) for row in before)
    return {row.slot: row.state for row, beat in heard if beat is not None and now - beat.at < SILENT_SECONDS}


def _is_awaited(newest: Worker, former: Worker) -> bool:
    return former.part < newest.part or newest.relief == Relief.BEGUN


def _says_it_leaves(beat: Beat | None) -> bool:
    return beat is not None and beat.phase is WorkerPhase.LEAVING


def _parted(row: Worker, done: Done | None) -> bool:
    """Whether there is news of one that was replaced: it handed over and ended, or came back and found another."""
    if done is not None and row.state not in (WorkerState.DONE, WorkerState.LOST):
        row.state, row.message = _state(row, None, done, None, False, None)
        return True
    return _came_back(row, done)


def _came_back(row: Worker, done: Done | None) -> bool:
    if done is None or done.reason is not DoneReason.SUPERSEDED or row.message.endswith(CAME_BACK):
        return False
    row.message += CAME_BACK
    return True


def _state(
    row: Worker, status: WorkerStatus | None, done: Done | None, beat: Beat | None, is_ready: bool, silent: float | None
) -> tuple[str, str]:
    if done is not None:
        return WorkerState.DONE, f"{done.reason.value.replace('_', ' ')}. {done.message}".strip()
    if row.state == WorkerState.LOST:
        return WorkerState.LOST, row.message
    if status is WorkerStatus.GONE:
        return WorkerState.LOST, row.failure or "The worker vanished without a last word."
    if silent is not None:
        return WorkerState.LOST, f"No sign of life for {silent:.0f} s."
    if beat is not None and beat.phase in (WorkerPhase.RUNNING, WorkerPhase.LEAVING, WorkerPhase.DRAINING):
        return WorkerState.RUNNING, ""
    return (WorkerState.READY if is_ready else WorkerState.LAUNCHED), ""


def _update(row: Worker, state: str, message: str, beat: Beat | None) -> bool:
    beat_at = None if beat is None else datetime.fromtimestamp(beat.at, UTC)
    if (row.state, row.message, row.last_beat) == (state, message, beat_at):
        return False
    row.state, row.message, row.last_beat = state, message, beat_at
    if beat is not None:
        row.cpu_cores, row.memory_bytes = beat.cpu_cores, beat.memory_bytes
        row.log_stream = beat.log[:LONGEST_STREAM] or row.log_stream
    return True

"""An elastic run's slots go where there is room: to workers that joined the pool, and away from those that leave it.

Repeatable at every point: the row of the next epoch is the claim, and of the successor's begin and the controller's calling it
off exactly one is written. Until the successor begins, the slot's worker goes on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator
from dataclasses import replace

from portal.core.cloud_ports import Elastic
from portal.core.elastic import Member, Move, next_moves
from portal.core.errors import PortalError, StoreUnavailable
from portal.core.plan import LoadPlan
from portal.core.protocol import NEVER, TakeOver
from portal.core.split import Segment, WorkerAssignment
from portal.models import Run, RunEvent, Worker
from portal.models.worker import Relief, WorkerState
from portal.stores.run_store import RunStore
from portal.usecases.census import Census
from portal.wiring import Parts

log = logging.getLogger("portal.rebalance")
LEAST_REST = 30.0
"""Seconds of load that must be left; a hand-over takes up to ten of them."""
PATIENCE = 30.0
"""Seconds in which a worker that was asked must have said when it begins."""
CALM = 60.0
"""Seconds to wait after a move that was called off, times how many were."""


def rebalance(run: Run, store: RunStore, plan: LoadPlan, census: Census, t0: int, parts: Parts) -> bool:
    """For a run under load. Whether the census is out of date now: moves were asked for, or called off."""
    backend = parts.backend(run.where(), run.backend) if plan.elastic else None
    if not isinstance(backend, Elastic):
        return False
    now = parts.clock.now()
    left = t0 + plan.duration.total_seconds() - now
    called_off = [_call_off(run, row, why, store, backend) for row, why in _failed(census, now, left)]
    if any(called_off):
        return True
    if left < LEAST_REST or census.all_over:
        return False
    moves = tuple(_wanted(run.id, census, backend, now))
    for move in moves:
        _ask(run, move, census, store, plan, backend)
    return bool(moves)


def _failed(census: Census, now: float, left: float) -> Iterator[tuple[Worker, str]]:
    """Who was asked and will not begin, and why."""
    for row in census.asked:
        if (done := census.said.get((row.slot, row.epoch))) is not None:
            yield row, done.message or "The worker that was asked ended before it began."
        elif now - row.launched.timestamp() > PATIENCE:
            yield row, f"The worker that was asked did not begin within {PATIENCE:.0f} s."
        elif left <= 0 or census.all_over:
            yield row, "The load is over."


def _call_off(run: Run, row: Worker, why: str, store: RunStore, backend: Elastic) -> bool:
    """Whether that came before the worker's own word; else it makes the load, and the next look sees that."""
    if store.take_over(TakeOver(row.slot, row.epoch, NEVER)).begins != NEVER:
        return False
    with contextlib.suppress(PortalError):  # A call that is left reads the same word and gives up.
        backend.stop((row.handle(),), hard=False)
    row.relief, row.state, row.message = Relief.OFF, WorkerState.DONE, f"Called off. {why}"
    row.save(update_fields=("relief", "state", "message"))
    RunEvent.objects.create(run=run, text=f"Slot {row.slot} stays where it is. {why}")
    return True


def _wanted(run_id: str, census: Census, backend: Elastic, now: float) -> Iterator[Move]:
    """Slots under load only; of those that leave all, else one at a time and none soon after one that failed."""
    movable = set(census.slots(WorkerState.RUNNING)) - {row.slot for row in census.asked}
    must_wait = _is_moving(census) or _must_rest(census, now)
    if must_wait and not movable & census.leaving:
        return
    members = [_of_this_run(one, movable, census) for one in backend.crew(run_id)]
    leaving = {one.worker for one in members if one.leaves}
    for move in next_moves(members, {row.slot: row.epoch for row in census.rows}):
        if move.source in leaving or not must_wait:
            yield move


def _is_moving(census: Census) -> bool:
    """Until the successor was heard."""
    begun = (row for row in census.rows if row.relief == Relief.BEGUN)
    return bool(census.asked) or any(row.state in (WorkerState.LAUNCHED, WorkerState.READY) for row in begun)


def _of_this_run(member: Member, movable: Collection[int], census: Census) -> Member:
    """With the slots that can be moved. It leaves also if only its agents say so yet, of slots that are its own still."""
    slots = tuple(slot for slot in member.slots if slot in movable)
    return replace(member, slots=slots, leaves=member.leaves or any(slot in census.leaving for slot in slots))


def _must_rest(census: Census, now: float) -> bool:
    off = [row for row in census.former if row.relief == Relief.OFF]
    return bool(off) and now - max(row.launched.timestamp() for row in off) < CALM * len(off)


def _ask(run: Run, move: Move, census: Census, store: RunStore, plan: LoadPlan, backend: Elastic) -> None:
    """Whoever dies in here leaves a row that is called off in time."""
    epoch = census.newest_epoch(move.slot) + 1
    row, is_mine = Worker.objects.get_or_create(run=run, slot=move.slot, epoch=epoch, defaults={"relief": Relief.ASKED})
    if not is_mine:
        return
    store.assign(WorkerAssignment(plan, Segment(move.slot, plan.workers), epoch, relieves=True))
    try:
        row.reference = backend.call_over(plan, move.slot, epoch, move.target).reference
    except StoreUnavailable:
        raise
    except PortalError as error:
        log.warning("move_failed run_id=%s slot=%s: %s", run.id, move.slot, error.message)
        return
    row.save(update_fields=("reference",))
    target = f"worker {_short(move.target)}" if move.target else "the first that has room"
    RunEvent.objects.create(run=run, text=f"Slot {move.slot} moves from worker {_short(move.source)} to {target}.")
    log.info("slot_moves run_id=%s slot=%s epoch=%s from=%s to=%s", run.id, move.slot, epoch, move.source, move.target)


def _short(worker: str) -> str:
    """The end of an ARN."""
    return worker.rpartition("/")[2]

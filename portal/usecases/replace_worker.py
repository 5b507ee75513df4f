"""What the run asked for when workers are lost: stop it, or let a spare run the rest of the slot's load.

Repeatable at every point: the row of the next epoch is the claim (one process makes it), the assignment tells the old
worker that it is superseded, and of two workers started for one epoch the second loses the slot's lease.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from portal.core.elastic import SLOTS_EACH
from portal.core.errors import PortalError, StoreUnavailable
from portal.core.loss import OnWorkerLoss, clock, may_replace
from portal.core.plan import LoadPlan
from portal.core.ports import Backend
from portal.core.run_state import EndReason
from portal.core.split import Segment, WorkerAssignment
from portal.models import Run, Worker
from portal.models.worker import Relief, WorkerState
from portal.stores.run_store import RunStore
from portal.usecases.census import Census
from portal.usecases.end_run import end_run
from portal.wiring import Parts

log = logging.getLogger("portal.replace")
LEAST_REST = 10.0
"""Seconds of load that must be left; a replacement needs some of them to begin."""


def answer_losses(run: Run, store: RunStore, plan: LoadPlan, census: Census, t0: int, parts: Parts) -> bool:
    """For a run under load. Whether the census is out of date now: the run is being stopped, or has a new worker."""
    second = parts.clock.now() - t0
    if plan.on_worker_loss is OnWorkerLoss.ABORT and census.failed:
        said = dict.fromkeys(census.leaving, "Its machine is being taken away.")
        lost = " ".join(f"Worker {slot} was lost: {census.row(slot).message or said.get(slot, '')}" for slot in census.failed[:3])
        message = f"{lost} The run was stopped for it at {clock(int(second))}."
        return end_run(run.id, EndReason.WORKERS_LOST, parts, message=message)
    if plan.on_worker_loss is not OnWorkerLoss.REPLACE or second > plan.duration.total_seconds() - LEAST_REST:
        return False
    backend = parts.backend(run.where(), run.backend)
    unstarted = (row for row in census.rows if _is_unstarted(row) and store.lease(row.slot, row.epoch) is None)
    claims = (*unstarted, *_claims(run, census, slots_each=SLOTS_EACH if plan.elastic else 1))
    for claim in claims:
        _end(_before(claim, census), backend)
        _start(claim, store, plan, backend)
    return bool(claims)


def _is_unstarted(row: Worker) -> bool:
    """Claimed by a process that died before it had started the worker, or before it could note that it had."""
    return row.epoch > 1 and not row.reference and row.state == WorkerState.LAUNCHED


def _claims(run: Run, census: Census, *, slots_each: int) -> Iterator[Worker]:
    """The rows of the next epochs that this process made, and so has to start. Who was asked to go on anyway is waited for."""
    asked = {row.slot for row in census.asked}
    rows = {row.slot: row for row in census.rows}
    tries = _tries(census)
    for slot in census.failed:
        if slot in asked or not may_replace(tries.values(), tries[slot], slots_each=slots_each):
            continue
        tries[slot] += 1
        row = rows[slot]
        claim, is_mine = Worker.objects.get_or_create(
            run=run, slot=slot, epoch=census.newest_epoch(slot) + 1, defaults={"part": row.part}
        )
        if is_mine:
            yield claim


def _tries(census: Census) -> dict[int, int]:
    """How often each slot was tried: its workers, less those that followed another as planned, for a slice or in a pool."""
    tried: dict[int, set[tuple[int, int]]] = {}
    for row in (*census.former, *census.rows):
        tried.setdefault(row.slot, set())
        if row.relief == Relief.NONE:
            tried[row.slot].add((row.epoch, row.part))
    return {slot: len(rows) - len({part for _, part in rows}) + 1 for slot, rows in tried.items()}


def _before(claim: Worker, census: Census) -> Worker:
    rows = (row for row in (*census.former, *census.rows) if row.slot == claim.slot and row.epoch < claim.epoch)
    return max((row for row in rows if row.relief != Relief.OFF), key=lambda row: row.epoch)


def _end(lost: Worker, backend: Backend) -> None:
    """Where that can be done: a frozen worker's engine may still make load nobody measures."""
    if lost.state == WorkerState.LOST and lost.reference:
        with contextlib.suppress(PortalError):  # It may be out of reach: then it ends by itself once it sees the next epoch.
            backend.stop((lost.handle(),), hard=True)


def _start(claim: Worker, store: RunStore, plan: LoadPlan, backend: Backend) -> None:
    """A worker that cannot be started is lost in its turn, which bounds how often that is tried."""
    store.assign(WorkerAssignment(plan, Segment(claim.slot, plan.workers), claim.epoch, part=claim.part))
    try:
        (handle,) = backend.launch(plan, (claim.slot,), claim.epoch)
    except StoreUnavailable:
        raise
    except PortalError as error:
        claim.state, claim.message = WorkerState.LOST, f"It could not be started: {error.message}"
    else:
        claim.reference = handle.reference
    claim.save(update_fields=("reference", "state", "message"))
    log.warning("replaced run_id=%s slot=%s epoch=%s", plan.run_id, claim.slot, claim.epoch)

"""The next slice of a sliced load: its workers are started early and wait paused, each the next epoch of its slot.

Repeatable at every point: the rows are the claim, the plan alone says when who makes the load, and of two workers started
for one epoch the second loses the slot's lease.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from datetime import timedelta

from portal.core.cloud_ports import PartlyLaunched
from portal.core.errors import PortalError, StoreUnavailable
from portal.core.loss import clock
from portal.core.plan import LoadPlan
from portal.core.ports import Backend, WorkerHandle
from portal.core.protocol import DoneReason
from portal.core.slices import SECOND, bounds, due
from portal.core.split import Segment, WorkerAssignment
from portal.models import Run, Worker
from portal.models.worker import WorkerState
from portal.stores.run_store import RunStore
from portal.usecases.census import Census
from portal.usecases.note_lines import tell_once
from portal.usecases.rebalance import rebalance
from portal.usecases.replace_worker import answer_losses
from portal.wiring import Parts

log = logging.getLogger("portal.slices")
BATCH = 100
"""Workers started in one look."""
GIVES_UP = frozenset({DoneReason.SCRIPT_ERROR, DoneReason.STOPPED})
"""Who ended so is followed by nobody."""


def staffed(run: Run, store: RunStore, plan: LoadPlan, census: Census, t0: int, parts: Parts) -> bool:
    """Sees to it that every slot has a worker. Whether the census is out of date now: the run has new workers, or stops."""
    return any(step(run, store, plan, census, t0, parts) for step in (hand_over, rebalance, answer_losses))


def hand_over(run: Run, store: RunStore, plan: LoadPlan, census: Census, t0: int, parts: Parts) -> bool:
    """For a run under load. Whether workers were started, and the census is out of date now."""
    now = parts.clock.now() - t0
    if plan.slices == 1 or now >= plan.duration.total_seconds():
        return False
    part = due(plan.duration, plan.slices, timedelta(seconds=now))
    if claims := [Worker(run=run, slot=row.slot, epoch=row.epoch + 1, part=part) for row in _followed(census, part)]:
        Worker.objects.bulk_create(claims, ignore_conflicts=True)
        _tell(run, plan, part)
    if not (waiting := _unstarted(run, store)):
        return bool(claims)
    backend = parts.backend(run.where(), run.backend)
    for epoch, rows in itertools.groupby(sorted(waiting[:BATCH], key=lambda row: row.epoch), key=lambda row: row.epoch):
        _start(tuple(rows), epoch, store, plan, backend)
    return True


def _tell(run: Run, plan: LoadPlan, part: int) -> None:
    """Once for each slice."""
    begin, end = (clock(each // SECOND) for each in bounds(plan.duration, plan.slices, part))
    text = f"Slice {part + 1} of {plan.slices} makes the load from {begin} to {end}; its workers are started."
    tell_once(run.id, text)


def _followed(census: Census, part: int) -> Iterable[Worker]:
    """The workers whose slot goes on with slice `part`: also a lost one's, for the load that is still to come is planned."""
    for row in census.rows:
        done = census.dones.get(row.slot)
        if row.part < part and (done is None or done.reason not in GIVES_UP):
            yield row


def _unstarted(run: Run, store: RunStore) -> list[Worker]:
    """Claimed, and not started as far as anybody noted."""
    rows = list(Worker.objects.filter(run=run, part__gt=0, reference="", state=WorkerState.LAUNCHED))
    begun = store.leased() if rows else frozenset()
    return [row for row in rows if (row.slot, row.epoch) not in begun]


def _start(rows: tuple[Worker, ...], epoch: int, store: RunStore, plan: LoadPlan, backend: Backend) -> None:
    """Who cannot be started is lost, and the run's policy says what then."""
    for row in rows:
        store.assign(WorkerAssignment(plan, Segment(row.slot, plan.workers), epoch, part=row.part))
    handles: tuple[WorkerHandle, ...] = ()
    message = ""
    try:
        handles = backend.launch(plan, tuple(row.slot for row in rows), epoch)
    except StoreUnavailable:
        raise
    except PartlyLaunched as error:
        handles, message = error.started, error.message
    except PortalError as error:
        message = error.message
    references = {handle.slot: handle.reference for handle in handles}
    for row in rows:
        row.reference = references.get(row.slot, "")
        if not row.reference:
            row.state, row.message = WorkerState.LOST, f"It could not be started: {message}"
    Worker.objects.bulk_update(rows, ("reference", "state", "message"), batch_size=BATCH)
    log.info("slice_starts run_id=%s epoch=%s part=%s workers=%s", plan.run_id, epoch, rows[0].part, len(references))

"""The way out for every reason: a run without workers goes to collecting, one with workers is stopped first."""

from __future__ import annotations

import logging

from django.db import transaction

from portal import queue
from portal.core.errors import StoreUnavailable
from portal.core.protocol import DoneReason, Stop
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.usecases.census import Census
from portal.usecases.notify import Moment, notify
from portal.wiring import Parts

BEFORE_WORKERS = (RunState.QUEUED, RunState.PLANNING, RunState.AWAITING_APPROVAL)
log = logging.getLogger("portal.end")
ABORTS = (EndReason.THRESHOLD_ABORT, EndReason.BUDGET_ABORT, EndReason.WORKERS_LOST, EndReason.STOPPED_BY_USER)
WITH_WORKERS = (RunState.LAUNCHING, RunState.READY, RunState.RUNNING)


def end_run(run_id: str, reason: EndReason, parts: Parts, *, message: str = "", hard: bool = False, by: str = "") -> bool:
    """Starts the end of a run; False when it was ending already. The first reason stands.

    The stop flag is written before the row moves: a process that dies in between leaves a run whose workers stop.
    """
    noted = {"end_reason": reason, "message": message, "stop_requested_by": by}
    if collect_run(run_id, reason, message=message, by=by, old=BEFORE_WORKERS):
        return True
    if not Run.objects.filter(pk=run_id, state__in=WITH_WORKERS).exists():
        return False
    parts.store(run_id).ask_stop(Stop(reason, parts.clock.now(), hard, message))
    with transaction.atomic():
        moved = Run.objects.advance(run_id, RunState.STOPPING, old=WITH_WORKERS, **noted)
        if moved and reason in ABORTS:
            notify(Run.objects.get(pk=run_id), Moment.ABORTED)
    return moved


def collect_run(run_id: str, reason: EndReason, *, old: tuple[RunState, ...], message: str = "", by: str = "") -> bool:
    """Moves on to collecting and enqueues the finish in one transaction."""
    with transaction.atomic():
        moved = Run.objects.advance(
            run_id, RunState.COLLECTING, old=old, end_reason=reason, message=message, stop_requested_by=by
        )
        if moved:
            queue.enqueue("finish", run_id)
    return moved


def end_reason_of(run: Run, census: Census) -> EndReason:
    """Of a run whose workers are all over."""
    if run.end_reason:
        return EndReason(run.end_reason)
    reasons = {done.reason for done in census.dones.values()}
    if DoneReason.SCRIPT_ERROR in reasons:
        return EndReason.SCRIPT_ERROR
    if DoneReason.COMPLETED in reasons:
        return EndReason.COMPLETED
    return EndReason.DEADLINE if reasons == {DoneReason.DEADLINE} else EndReason.WORKERS_LOST


def message_of(run: Run, census: Census) -> str:
    said = census.messages(DoneReason.SCRIPT_ERROR, DoneReason.ENGINE_FAILED, DoneReason.STORE_FAILED, DoneReason.NOT_STARTED)
    return run.message or " ".join(said[:3])


def end_without_store(run: Run, error: StoreUnavailable, parts: Parts, *, after: float) -> None:
    """For a process that has no way to a run's store at all, no profile or no credentials: ends the run after so many seconds."""
    log.warning("store_not_opened run_id=%s: %s", run.id, error.message)
    if parts.clock.now() - run.state_since.timestamp() > after:
        reason = EndReason(run.end_reason or EndReason.WORKERS_LOST)
        collect_run(run.id, reason, old=(RunState(run.state),), message=error.message, by=run.stop_requested_by)

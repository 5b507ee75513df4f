"""A second person releases a run that waits for it. What they release is the plan they saw, by its digest."""

from __future__ import annotations

from django.db import transaction

from portal import queue
from portal.core.access import Action, Actor
from portal.core.errors import Conflict, Forbidden
from portal.core.recheck import plan_digest
from portal.core.run_state import RunState
from portal.models import Run
from portal.models.audit import Deed
from portal.usecases.admit_run import check_kill_switch
from portal.usecases.expire_approvals import TOO_LATE, is_too_late
from portal.usecases.read_run import find_run
from portal.usecases.record_audit import record


def approve_run(run_id: str, digest: str, *, by: Actor) -> Run:
    """The run LAUNCHING, its launch enqueued. Raises NotFound, Forbidden, and Conflict for another plan or state."""
    run = find_run(run_id, by=by)
    by.must(Action.APPROVE, run.environment.name)
    if by.name == run.requested_by:
        raise Forbidden("A run is approved by somebody else than who asked for it.")
    check_kill_switch()
    if run.state != RunState.AWAITING_APPROVAL:
        raise Conflict(f"Run {run.id} does not wait for approval; it is {run.get_state_display()}.")
    if is_too_late(run):
        raise Conflict(TOO_LATE)
    if digest != plan_digest(run.load_plan()):
        raise Conflict(f"The digest is not that of the plan of run {run.id}.", hint="Look at the run again, then approve it.")
    with transaction.atomic():
        moved = Run.objects.advance(run.id, RunState.LAUNCHING, old=(RunState.AWAITING_APPROVAL,), approved_by=by.name[:150])
        if moved:
            record(by, Deed.RUN_APPROVED, run=run, digest=digest)
            queue.enqueue("launch", run.id)
    if not moved:
        raise Conflict(f"Run {run.id} was approved or stopped by somebody else in this moment.")
    return find_run(run.id, by=by)

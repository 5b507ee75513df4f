"""A run does not wait for approval for ever: what was planned yesterday is asked for again, not started by surprise."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.usecases.end_run import collect_run

log = logging.getLogger("portal.sweep")
APPROVED_WITHIN = timedelta(hours=24)
TOO_LATE = f"Nobody approved the run within {APPROVED_WITHIN // timedelta(hours=1)} hours; it was not started. Ask for it again."


def is_too_late(run: Run) -> bool:
    return run.state_since < timezone.now() - APPROVED_WITHIN


def expire_approvals() -> None:
    """Ends as rejected what has waited too long."""
    waiting = Run.objects.filter(state=RunState.AWAITING_APPROVAL, state_since__lt=timezone.now() - APPROVED_WITHIN)
    for run_id in list(waiting.values_list("id", flat=True)):
        if collect_run(run_id, EndReason.REJECTED, old=(RunState.AWAITING_APPROVAL,), message=TOO_LATE):
            log.info("approval_expired run_id=%s", run_id)

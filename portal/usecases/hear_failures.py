"""Notes which workers their platform gave up, and why, as soon as it says so. Repeatable: the first word on a worker stands.

The note lies in the worker's row, whichever run's watcher heard of it; that run's own next look draws the conclusion.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.db import transaction

from portal.core.cloud_ports import HearsOfFailures
from portal.core.errors import PortalError
from portal.core.failed_call import FailedCall
from portal.core.ports import Backend
from portal.core.run_state import WATCHED, RunState
from portal.models import Run, Worker
from portal.usecases.note_lines import tell
from portal.usecases.places_in_use import places_in_use
from portal.wiring import Parts

log = logging.getLogger("portal.failures")
BACKEND = "lambda"


def hear_failures(backend: Backend) -> None:
    """Of all runs of the backend's place; at most every few seconds, whoever asks."""
    if isinstance(backend, HearsOfFailures):
        backend.failures(note_failure)


def sweep_failures(parts: Parts) -> None:
    """The minute's turn: what came in after the last run was over would lie there and ring the alarm of unread calls."""
    for place in places_in_use():
        if place.queue_url and not place.lacks(BACKEND):
            try:
                hear_failures(parts.backend(place, BACKEND))
            except PortalError as error:
                log.warning("failures_unheard region=%s: %s", place.region, error.message)


def note_failure(call: FailedCall) -> bool:
    """False: the worker was just called and has no row yet. What is not of a run that goes on is told to the log only."""
    state = Run.objects.filter(pk=call.run).values_list("state", flat=True).first()
    if state not in WATCHED:
        log.info("failed_call_of_no_run run_id=%s state=%s slot=%s: %s", call.run, state, call.slot, call.why)
        return True
    row = Worker.objects.filter(run_id=call.run, slot=call.slot, epoch=call.epoch).first()
    if row is None:
        log.info("failed_call_without_worker run_id=%s slot=%s epoch=%s", call.run, call.slot, call.epoch)
        return state != RunState.LAUNCHING
    with transaction.atomic():
        fresh = Worker.objects.filter(pk=row.pk, failed_at=None)
        if fresh.update(failure=call.why, failed_at=datetime.fromtimestamp(call.at, UTC)):
            tell(call.run, ((call.slot, call.why),))
            log.warning("worker_given_up run_id=%s slot=%s epoch=%s: %s", call.run, call.slot, call.epoch, call.why)
    return True

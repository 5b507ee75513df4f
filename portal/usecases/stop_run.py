"""Stop a run for a user. Asking twice is fine; a run that has ended stays as it is."""

from __future__ import annotations

from django.db import transaction

from portal.core.access import Action, Actor
from portal.core.protocol import Stop
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.models.audit import Deed
from portal.usecases.end_run import end_run
from portal.usecases.read_run import find_run
from portal.usecases.record_audit import record
from portal.wiring import Parts


def stop_run(run_id: str, parts: Parts, *, by: Actor, hard: bool = False) -> Run:
    """`hard` leaves the engines no time to finish. Raises NotFound and Forbidden."""
    run = find_run(run_id, by=by)
    by.must(Action.STOP, run.environment.name)
    message = f"Stopped by {by.name}."
    with transaction.atomic():
        began = end_run(run_id, EndReason.STOPPED_BY_USER, parts, message=message, hard=hard, by=by.name)
        hardened = not began and hard and Run.objects.filter(pk=run_id, state=RunState.STOPPING).exists()
        if hardened:
            parts.store(run_id).ask_stop(Stop(EndReason.STOPPED_BY_USER, parts.clock.now(), hard=True, message=message))
        if began or hardened:
            record(by, Deed.RUN_STOPPED, run=run, hard=hard)
    return Run.objects.select_related("version__scenario", "environment").get(pk=run_id)

"""Stop a run for a user. Asking twice is fine; a run that has ended stays as it is."""

from __future__ import annotations

from portal.core.access import Action, Actor
from portal.core.protocol import Stop
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.usecases.end_run import end_run
from portal.usecases.read_run import find_run
from portal.wiring import Parts


def stop_run(run_id: str, parts: Parts, *, by: Actor, hard: bool = False) -> Run:
    """`hard` leaves the engines no time to finish. Raises NotFound and Forbidden."""
    by.must(Action.STOP, find_run(run_id, by=by).environment.name)
    message = f"Stopped by {by.name}."
    began = end_run(run_id, EndReason.STOPPED_BY_USER, parts, message=message, hard=hard, by=by.name)
    if not began and hard and Run.objects.filter(pk=run_id, state=RunState.STOPPING).exists():
        parts.store(run_id).ask_stop(Stop(EndReason.STOPPED_BY_USER, parts.clock.now(), hard=True, message=message))
    return Run.objects.select_related("version__scenario", "environment").get(pk=run_id)

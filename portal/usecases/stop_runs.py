"""Stops several runs for a user and says of each what came of it. One that cannot be stopped does not keep the others going."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.core.access import Actor
from portal.core.errors import NotFound, PortalError
from portal.core.run_state import RunState
from portal.models import Run
from portal.models.run import RunQuerySet
from portal.usecases.stop_run import stop_run
from portal.wiring import Parts

OVER = (RunState.COLLECTING, RunState.ENDED)


@dataclass(frozen=True, slots=True)
class Stopped:
    """`outcome`: stopping, already_over, not_found, or failed with `detail`; `state` is empty for a run there is not."""

    run_id: str
    outcome: str
    state: str = ""
    detail: str = ""


def stop_runs(ids: Iterable[str], parts: Parts, *, among: RunQuerySet, by: Actor, hard: bool = False) -> tuple[Stopped, ...]:
    """In the order asked, each id once; `among` are the runs the caller may stop."""
    wanted = tuple(dict.fromkeys(ids))
    states = dict(among.filter(pk__in=wanted).values_list("id", "state"))
    return tuple(_stop(run_id, states.get(run_id), parts, hard=hard, by=by) for run_id in wanted)


def alive_ids(among: RunQuerySet, environment: str = "") -> tuple[str, ...]:
    """The runs that have not ended, newest first; of one environment where it is named."""
    alive = among.alive()
    return tuple((alive.filter(environment__name=environment) if environment else alive).values_list("id", flat=True))


def _stop(run_id: str, state: str | None, parts: Parts, *, hard: bool, by: Actor) -> Stopped:
    if state is None:
        return Stopped(run_id, "not_found", detail="There is no such run.")
    try:
        run: Run = stop_run(run_id, parts, hard=hard, by=by)
    except NotFound as error:
        return Stopped(run_id, "not_found", detail=error.message)
    except PortalError as error:
        return Stopped(run_id, "failed", state, error.message)
    return Stopped(run_id, "already_over" if state in OVER else "stopping", run.state)

"""django-q2's entry points: wire, call one use case. Each may run more than once, and late."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

from portal import queue
from portal.usecases import finish_run as finishing
from portal.usecases import launch_run as launching
from portal.usecases import notify as notifying
from portal.usecases import prune_runs as pruning
from portal.usecases import sweep_runs as sweeping
from portal.usecases.count_call import forget_callers
from portal.usecases.heartbeat import note_heartbeat
from portal.usecases.take_signature import forget_signatures
from portal.wiring import parts


def _shows_life(job: Callable[[str], None]) -> Callable[[str], None]:
    """A cluster that works long jobs is alive, also when the supervisor's beats wait behind them."""

    @wraps(job)
    def worked(run_id: str) -> None:
        note_heartbeat(time.time())
        try:
            job(run_id)
        finally:
            note_heartbeat(time.time())

    return worked


@_shows_life
def launch(run_id: str) -> None:
    launching.launch_run(run_id, parts())


@_shows_life
def finish(run_id: str) -> None:
    finishing.finish_run(run_id, parts())


def notify(run_id: str, moment: str) -> None:
    notifying.send_notice(run_id, notifying.Moment(moment), parts())


def sweep() -> None:
    sweeping.sweep_runs(parts())
    forget_signatures(parts().clock.now())


def prune() -> None:
    pruning.prune_runs(parts())
    forget_callers(parts().clock.now())
    queue.forget_successes()


def heartbeat(sent_at: str) -> None:
    note_heartbeat(float(sent_at))

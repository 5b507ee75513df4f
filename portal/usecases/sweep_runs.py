"""The minute's safety net: takes up what a dead job or a missing ticker left behind. Everything it does is repeatable."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from portal import queue
from portal.core.run_state import RunState
from portal.lease_owner import is_dead
from portal.models import Run
from portal.usecases.expire_approvals import expire_approvals
from portal.usecases.hear_failures import sweep_failures
from portal.usecases.revise_results import revise_results
from portal.usecases.sweep_orphans import sweep_orphans
from portal.usecases.watch_run import Watches, watch_run
from portal.wiring import Parts

log = logging.getLogger("portal.sweep")
STUCK = timedelta(seconds=20)
LEFT_ALONE_SECONDS = 10.0
"""The ticker's look holds the lease as well, for moments: a launch that was asked for would find it taken."""
UNWATCHED_SECONDS = 15.0


def sweep_runs(parts: Parts) -> None:
    """Asks again for lost jobs, ends what nobody approved, looks once at what nobody watches, counts what came late, clears
    what platforms told of runs that are over."""
    revive_jobs()
    expire_approvals()
    _watch_overdue(parts)
    revise_results(parts)
    sweep_orphans(parts)
    sweep_failures(parts)


def revive_jobs() -> None:
    """A launch or finish whose process died is not redelivered for minutes; a doubled job finds nothing to do."""
    now = timezone.now()
    waited = Q(revived=None) | Q(revived__lt=now - STUCK)
    died = Q(state_since__lt=now - STUCK) | Q(pk__in=_give_up_leases(now.timestamp()))
    stuck = Run.objects.filter(waited, died, lease_until__lt=now.timestamp())
    launching = stuck.filter(state=RunState.LAUNCHING).annotate(rows=Count("worker_rows")).filter(rows__lt=F("workers"))
    _revive("launch", stuck.filter(state__in=(RunState.QUEUED, RunState.PLANNING)))
    _revive("launch", launching)
    _revive("finish", stuck.filter(state=RunState.COLLECTING))


def _give_up_leases(now: float) -> list[str]:
    """Runs whose lease was held by a process that is known to be dead: nobody need wait until it runs out."""
    held = Run.objects.alive().filter(lease_until__gte=now).values_list("id", "lease_owner")
    given_up = [(run_id, owner) for run_id, owner in held if is_dead(owner) and Run.objects.release(run_id, owner=owner)]
    for run_id, owner in given_up:
        log.warning("lease_given_up run_id=%s owner=%s", run_id, owner)
    return [run_id for run_id, _ in given_up]


def _revive(job: str, runs: QuerySet[Run]) -> None:
    for run_id, revived in list(runs.values_list("id", "revived")):
        with transaction.atomic():
            # Of two tickers that found the same run only one asks.
            now = timezone.now()
            later = now.timestamp() + LEFT_ALONE_SECONDS
            asked = Run.objects.filter(pk=run_id, revived=revived).update(revived=now, next_poll=later) == 1
            if asked:
                queue.enqueue(job, run_id)
        if asked:
            log.warning("revived job=%s run_id=%s", job, run_id)


def _watch_overdue(parts: Parts) -> None:
    now = parts.clock.now()
    for run_id in Run.objects.due(now - UNWATCHED_SECONDS).values_list("id", flat=True):
        if Run.objects.lease(run_id, owner=parts.owner, now=now, seconds=30, again_in=1):
            log.warning("watched_by_sweep run_id=%s", run_id)
            try:
                watch_run(run_id, parts, Watches())
            except Exception:  # One broken run must not keep the others from being looked at.
                log.exception("watch_failed run_id=%s", run_id)
            finally:
                Run.objects.release(run_id, owner=parts.owner)

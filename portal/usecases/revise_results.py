"""What arrived after a run had ended is counted: the result is judged anew and its version raised. Repeatable."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from portal.core.errors import StoreUnavailable
from portal.core.run_state import RunState
from portal.models import Result, Run
from portal.usecases.compare_runs import with_comparison
from portal.usecases.finish_run import columns_of
from portal.usecases.gather_series import has_uncounted
from portal.usecases.judge_run import gather_all, judge_run
from portal.wiring import Parts

log = logging.getLogger("portal.revise")
LATE = timedelta(hours=6)
"""A worker whose store was away that long has given up."""
PER_TIME = 50


def revise_results(parts: Parts) -> int:
    """Looks at the lately ended runs that lack something; where everything came in there is nothing to wait for."""
    ended = Run.objects.filter(state=RunState.ENDED, ended__gt=timezone.now() - LATE, pruned=False, result__isnull=False)
    revised = 0
    for run in ended.select_related("result").order_by("-ended")[:PER_TIME]:
        if run.result.summary.get("lost") or run.result.summary.get("coverage", 1) < 1:
            try:
                revised += revise_result(run, parts)
            except StoreUnavailable as error:
                log.warning("not_revised run_id=%s: %s", run.id, error.message)
    return revised


def revise_result(run: Run, parts: Parts) -> bool:
    """Whether there was something new. Written before the series are kept: dying in between repeats it, and loses nothing."""
    store, before = parts.store(run.id), run.result
    if not has_uncounted(store, run.worker_rows.values_list("slot", "epoch")):
        return False
    gathered = gather_all(run, store)
    late = gathered.merged.snapshots - gathered.kept.snapshots
    note = f"Version {before.version + 1}: {late} snapshots that came after the end are counted."
    judged = with_comparison(run, judge_run(run, store, gathered)).with_note(note)
    with transaction.atomic():
        # Of two that found the same news only one writes.
        mine = Result.objects.filter(run=run, version=before.version)
        if mine.update(version=before.version + 1, **columns_of(judged)):
            Run.objects.filter(pk=run.id).update(verdict=str(judged.verdict.outcome), trust=str(judged.verdict.trust))
    gathered.keep_for_good()
    log.info("revised run_id=%s version=%s snapshots=%s", run.id, before.version + 1, late)
    return True

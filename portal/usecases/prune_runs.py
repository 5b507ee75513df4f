"""Forgets what is no longer needed: snapshots a day after they are merged, after three months the merged series as well.

Rows, results and their timelines stay in the database, and a baseline keeps its series.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.core.run_state import RunState
from portal.models import Run
from portal.usecases.gather_series import has_uncounted
from portal.wiring import Parts

KEPT = timedelta(days=90)
SNAPSHOTS_KEPT, SNAPSHOTS_LOOKED_FOR = timedelta(days=1), timedelta(days=8)
"""Who waits for late ones waits for hours; a week of missed prunings is caught up with."""
PER_TIME = 200


def prune_runs(parts: Parts) -> int:
    """How many runs' objects were removed from the store; those already gone cost one listing each."""
    _drop_snapshots(parts)
    old = Run.objects.filter(state=RunState.ENDED, pruned=False, ended__lt=timezone.now() - KEPT, baselines=None)
    ids = list(old.values_list("id", flat=True)[:PER_TIME])
    for run_id in ids:
        parts.store(run_id).delete_run()
        Run.objects.filter(pk=run_id).update(pruned=True)
    return len(ids)


def _drop_snapshots(parts: Parts) -> None:
    now = timezone.now()
    ended = Run.objects.filter(
        state=RunState.ENDED, pruned=False, ended__range=(now - SNAPSHOTS_LOOKED_FOR, now - SNAPSHOTS_KEPT)
    )
    for run in ended:
        store = parts.store(run.id)
        # A run whose series could not be kept has nothing else.
        if not has_uncounted(store, run.worker_rows.values_list("slot", "epoch")):
            store.drop_snapshots()

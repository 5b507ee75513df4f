"""Forgets raw data of old runs: snapshots go, rows, results and merged series' summary stay in the database.

A baseline keeps everything.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.core.run_state import RunState
from portal.models import Run
from portal.wiring import Parts

KEPT = timedelta(days=90)
PER_TIME = 200


def prune_runs(parts: Parts) -> int:
    """How many runs' objects were removed from the store; those already gone cost one listing each."""
    old = Run.objects.filter(state=RunState.ENDED, pruned=False, ended__lt=timezone.now() - KEPT, baselines=None)
    ids = list(old.values_list("id", flat=True)[:PER_TIME])
    for run_id in ids:
        parts.store(run_id).delete_run()
        Run.objects.filter(pk=run_id).update(pruned=True)
    return len(ids)

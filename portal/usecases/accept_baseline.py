"""Makes a finished run the one that later runs of its scenario, environment and backend are compared with."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.core.access import Action, Actor
from portal.core.errors import Conflict
from portal.core.verdict import Outcome
from portal.models import Baseline
from portal.models.audit import Deed
from portal.usecases.read_run import find_run, result_of
from portal.usecases.record_audit import record


def accept_baseline(run_id: str, by: Actor) -> Baseline:
    """Replaces the one before. Raises NotFound, Forbidden, and Conflict for a run whose data carries no judgement."""
    run = find_run(run_id, by=by)
    by.must(Action.AUTHOR, run.environment.name)
    if not run.is_over or result_of(run) is None:
        raise Conflict(f"Run {run.id} has no result yet.", hint="Accept it when it has ended.")
    if run.verdict == Outcome.INCONCLUSIVE:
        raise Conflict(f"Run {run.id} is inconclusive: nothing can be measured by it.", hint="Accept a run that passed.")
    with transaction.atomic():
        baseline, _ = Baseline.objects.update_or_create(
            scenario=run.version.scenario, environment=run.environment, backend=run.backend,
            defaults={"run": run, "accepted_by": by.name[:150], "accepted": timezone.now()},
        )  # fmt: skip
        record(by, Deed.BASELINE_ACCEPTED, run=run)
    return baseline

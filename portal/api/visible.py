"""What a caller may see. Everything else is not there for them: 404, never 403, and absent from lists."""

from __future__ import annotations

from rest_framework.request import Request

from portal.api.auth import actor_of
from portal.models import Run
from portal.models.run import RunQuerySet
from portal.usecases.read_run import find_run


def visible_runs(request: Request) -> RunQuerySet:
    return Run.objects.seen_by(actor_of(request))


def visible_run(request: Request, run_id: str) -> Run:
    """Raises NotFound."""
    return find_run(run_id, by=actor_of(request))

"""Finds machines in AWS that still work for runs that are over, ends them and raises the alarm. It asks AWS, not our rows of
workers: a worker nobody noted is the very one to find. What other portals started in the same cluster is left alone."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from portal.core.aws_place import AwsPlace
from portal.core.cloud_ports import Sweeps
from portal.core.errors import PortalError
from portal.core.run_state import RunState
from portal.models import Run
from portal.usecases.places_in_use import places_in_use
from portal.wiring import Parts

log = logging.getLogger("portal.orphans")
CALM = timedelta(minutes=5)
"""After its end a run's workers may still be on their way out."""
BACKENDS = ("fargate", "ec2")
"""Calls of Lambda end by themselves within 15 minutes, and nobody can end them."""


def sweep_orphans(parts: Parts) -> None:
    """A place that cannot be asked is asked again in the next minute."""
    for place, environment in places_in_use().items():
        found = [left for name in BACKENDS if not place.lacks(name) for left in _sweep(place, name, parts)]
        if found:
            log.error("orphans environment=%s ended=%s", environment, ", ".join(found))
            _alarm(place, environment, len(found), parts)


def _sweep(place: AwsPlace, name: str, parts: Parts) -> tuple[str, ...]:
    try:
        backend = parts.backend(place, name)
        return backend.sweep(_is_over) if isinstance(backend, Sweeps) else ()
    except PortalError as error:
        log.warning("sweep_failed region=%s backend=%s: %s", place.region, name, error.message)
        return ()


def _is_over(run_id: str) -> bool:
    return Run.objects.filter(pk=run_id, state=RunState.ENDED, ended__lt=timezone.now() - CALM).exists()


def _alarm(place: AwsPlace, environment: str, number: int, parts: Parts) -> None:
    try:
        parts.announcer(place).measure({"Orphans": (number, "Count")}, {"Environment": environment})
    except PortalError as error:
        log.warning("alarm_failed environment=%s: %s", environment, error.message)

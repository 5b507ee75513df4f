"""Notes on which machine each worker runs, and tells how they are spread over zones."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from portal.core.cloud_ports import KnowsPlaces
from portal.core.errors import PortalError
from portal.core.ports import Backend
from portal.models import Run, RunEvent, Worker

log = logging.getLogger("portal.places")


def note_places(run: Run, backend: Backend) -> None:
    """Good to know and never in the way: a place that cannot be asked is not told of."""
    if not isinstance(backend, KnowsPlaces):
        return
    rows = tuple(Worker.objects.filter(run=run).exclude(reference=""))
    try:
        found = backend.places(tuple(row.handle() for row in rows))
    except PortalError as error:
        log.warning("places_unknown run_id=%s: %s", run.id, error.message)
        return
    for row in rows:
        row.place = found.get(row.slot, row.place)[:200]
    Worker.objects.bulk_update(rows, ("place",), batch_size=200)
    if found:
        RunEvent.objects.create(run=run, text=spread(found.values()))


def note_later_places(run: Run, open_backend: Callable[[], Backend]) -> None:
    """Of the workers that went on for others, before their machines are given up; opened is nothing where none did."""
    later = tuple(Worker.objects.filter(run=run, epoch__gt=1, place="").exclude(reference=""))
    if not later:
        return
    try:
        backend = open_backend()
        if isinstance(backend, KnowsPlaces):
            _note(later, backend)
    except PortalError as error:
        log.warning("places_unknown run_id=%s: %s", run.id, error.message)


def _note(later: Iterable[Worker], backend: KnowsPlaces) -> None:
    """A backend answers by slot, so workers that followed each other in one are asked after apart."""
    for epoch in sorted({row.epoch for row in later}):
        rows = tuple(row for row in later if row.epoch == epoch)
        found = backend.places(tuple(row.handle() for row in rows))
        for row in rows:
            row.place = found.get(row.slot, "")[:200]
        Worker.objects.bulk_update(rows, ("place",), batch_size=200)


def spread(places: Iterable[str]) -> str:
    """`Workers by zone: eu-central-1a 4, eu-central-1b 3.`"""
    zones = Counter(place.rpartition(" in ")[2] for place in places)
    return "Workers by zone: " + ", ".join(f"{zone} {number}" for zone, number in sorted(zones.items())) + "."

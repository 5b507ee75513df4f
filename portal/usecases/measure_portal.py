"""How the portal itself is: what it needs to work, and numbers for a monitoring system. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.db.models import Count

from portal import queue
from portal.core.errors import StoreUnavailable
from portal.models import Run, Worker
from portal.models.worker import WorkerState
from portal.usecases.heartbeat import QUEUE, TICKER, seconds_silent
from portal.wiring import Parts

MOST_SILENT = 30.0
"""Seconds without a sign of life; the supervisor has replaced a hung process before."""
NOWHERE = "readyz"
"""A run there never is; asking the store for it shows that the store answers."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge with its samples: pairs of labels and value."""

    name: str
    text: str
    samples: tuple[tuple[tuple[tuple[str, str], ...], float], ...]


def readiness(parts: Parts) -> dict[str, bool]:
    """By name, whether each thing works. Without its database nothing else is known to."""
    found = dict.fromkeys(("database", "store", QUEUE, TICKER), False)
    found["store"] = _store_answers(parts)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found["database"] = True
        found |= {name: seconds_silent(name) <= MOST_SILENT for name in (QUEUE, TICKER)}
    except DatabaseError:
        pass
    return found


def measure_portal() -> tuple[Metric, ...]:
    return tuple(_metrics())


def _metrics() -> Iterator[Metric]:
    counts = Run.objects.order_by().values_list("state", "verdict").annotate(number=Count("id"))
    yield Metric("runs", "Runs by state and verdict.", tuple(
        ((("state", state), ("verdict", verdict)), float(number)) for state, verdict, number in sorted(counts)
    ))  # fmt: skip
    working = Worker.objects.filter(run__in=Run.objects.watched(), state__in=(WorkerState.READY, WorkerState.RUNNING))
    yield Metric("workers_active", "Workers that are ready or make load.", (((), float(working.count())),))
    yield Metric("queue_depth", "Jobs that wait or run.", (((), float(queue.waiting())),))
    beats = tuple(((("process", name),), seconds_silent(name)) for name in (QUEUE, TICKER))
    yield Metric("heartbeat_age_seconds", "Since a process of the portal last showed that it works.", beats)


def _store_answers(parts: Parts) -> bool:
    try:
        parts.store(NOWHERE).stop_asked()
    except StoreUnavailable:
        return False
    return True

"""The queue: the only importer of django_q. A job is a name of `portal.tasks` and ids, never data.

The ORM broker makes an enqueue part of the caller's transaction: no row without its job, no job without its row.
"""

from __future__ import annotations

from django_q.models import OrmQ, Schedule, Success
from django_q.tasks import async_task

JOBS = ("launch", "finish", "heartbeat", "sweep", "prune", "notify")


def enqueue(job: str, *ids: str) -> None:
    """Asks for `portal.tasks.<job>(*ids)`; it may run more than once."""
    if job not in JOBS:
        raise ValueError(f"There is no job {job}.")
    async_task(f"portal.tasks.{job}", *ids, q_options={"task_name": f"{job}:{':'.join(ids)}"[:100], "save": False})


def waiting() -> int:
    """How many jobs wait or run."""
    return OrmQ.objects.count()


def ensure_schedules() -> None:
    """The recurring jobs, created once and kept as they are asked for here."""
    for name, kind in (("sweep", Schedule.MINUTES), ("prune", Schedule.DAILY)):
        minutes = 1 if kind == Schedule.MINUTES else None
        Schedule.objects.update_or_create(
            name=name, defaults={"func": f"portal.tasks.{name}", "schedule_type": kind, "minutes": minutes, "repeats": -1}
        )


def forget_successes() -> None:
    """django-q2 keeps successes unless told not to; failures stay for people to read."""
    Success.objects.all().delete()

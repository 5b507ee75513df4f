"""The queue: a job is part of its transaction, has a known name, and carries ids only."""

from __future__ import annotations

import time

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule, Success

from portal import queue, tasks
from portal.core.run_state import RunState
from portal.usecases.heartbeat import QUEUE, note_heartbeat, seconds_silent
from tests.usecases.parts import Scene, jobs

pytestmark = pytest.mark.django_db


def test_a_job_waits_with_its_ids() -> None:
    queue.enqueue("launch", "20261124-3f9a1c2b")
    assert (queue.waiting(), jobs()) == (1, [("launch", ("20261124-3f9a1c2b",))])


def test_what_is_rolled_back_leaves_no_job() -> None:
    with transaction.atomic():
        queue.enqueue("launch", "x")
        transaction.set_rollback(True)
    assert queue.waiting() == 0


def test_there_are_no_jobs_of_other_names() -> None:
    with pytest.raises(ValueError, match="no job"):
        queue.enqueue("os.system", "x")


@pytest.mark.parametrize("name", queue.JOBS)
def test_every_job_is_a_task(name: str) -> None:
    assert callable(getattr(tasks, name))


def test_the_schedules_are_there_once_and_kept_as_asked_for() -> None:
    queue.ensure_schedules()
    Schedule.objects.filter(name="sweep").update(minutes=55)
    queue.ensure_schedules()
    assert sorted(Schedule.objects.values_list("name", "func", "minutes", "repeats")) == [
        ("prune", "portal.tasks.prune", None, -1), ("sweep", "portal.tasks.sweep", 1, -1),
    ]  # fmt: skip


def test_successes_are_forgotten_on_pruning() -> None:
    at = timezone.now()
    Success.objects.create(id="1" * 32, name="launch:x", func="portal.tasks.launch", started=at, stopped=at, success=True)
    tasks.prune()
    assert Success.objects.count() == 0


def test_tasks_may_come_late_and_more_than_once() -> None:
    run = Scene().run(RunState.ENDED)
    for task in (tasks.launch, tasks.finish):
        task(run.id)
        task(run.id)
    for late in (tasks.launch, tasks.finish):
        late("20990101-00000000")
    tasks.sweep()
    run.refresh_from_db()
    assert run.state == RunState.ENDED


def test_a_queue_that_works_long_jobs_is_not_silent() -> None:
    note_heartbeat(time.time() - 1000)
    tasks.finish("nobody")
    assert seconds_silent(QUEUE) < 500

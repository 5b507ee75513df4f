"""Compare-and-set of the state, by the whole table of transitions, and the leases that decide who acts."""

from __future__ import annotations

import threading
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.core.run_state import TRANSITIONS, WATCHED, RunState
from portal.models import Run, Worker
from portal.models.run import new_run_id
from tests.builders import a_run

pytestmark = pytest.mark.django_db
NOW = 1_795_000_000.0


@pytest.mark.parametrize("old", list(RunState))
def test_every_move_of_the_table_is_made_and_no_other(old: RunState) -> None:
    run = a_run()
    for new in RunState:
        Run.objects.filter(pk=run.id).update(state=old, note="")
        moved = Run.objects.advance(run.id, new, note="moved")
        run.refresh_from_db()
        allowed = new in TRANSITIONS[old]
        assert (moved, run.state, run.note) == (allowed, new if allowed else old, "moved" if allowed else "")


@pytest.mark.parametrize(("asked", "state"), [pair for pair in product(RunState, RunState) if pair[0] != pair[1]])
def test_a_move_asked_from_another_state_than_the_run_s_does_nothing(asked: RunState, state: RunState) -> None:
    run = a_run(state=state)
    assert not any(Run.objects.advance(run.id, new, old=(asked,)) for new in RunState)
    assert Run.objects.get().state == state


def test_a_move_notes_its_time() -> None:
    run, before = a_run(), timezone.now()
    Run.objects.advance(run.id, RunState.PLANNING)
    run.refresh_from_db()
    assert before <= run.state_since <= timezone.now()


def test_a_run_nobody_knows_does_not_move() -> None:
    assert not Run.objects.advance("20990101-00000000", RunState.PLANNING)


def race(times: int, act: object) -> list[bool]:
    """What `act` gave in so many threads that begin together."""
    together, found = threading.Barrier(times, timeout=20), list[bool]()

    def one() -> None:
        try:
            together.wait()
            found.append(act())  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_advance_at_once_one_wins() -> None:
    for _ in range(5):
        run = a_run()
        assert race(2, lambda run=run: Run.objects.advance(run.id, RunState.PLANNING, old=(RunState.QUEUED,))) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_that_lease_at_once_one_wins() -> None:
    run = a_run(state=RunState.RUNNING)
    take = lambda: Run.objects.lease(run.id, owner=new_run_id(), now=NOW, seconds=10, again_in=1)  # noqa: E731
    assert race(4, take) == [False, False, False, True]


def test_only_states_with_workers_are_due() -> None:
    for state in RunState:
        a_run(state=state)
    assert {run.state for run in Run.objects.due(NOW)} == set(WATCHED)


def test_a_lease_keeps_others_away_until_it_is_given_back_and_the_second_is_over() -> None:
    run = a_run(state=RunState.RUNNING)

    def lease(owner: str, now: float) -> bool:
        return Run.objects.lease(run.id, owner=owner, now=now, seconds=10, again_in=1)

    assert lease("a", NOW)
    assert not lease("b", NOW + 5)
    assert not Run.objects.release(run.id, owner="b")
    assert not lease("b", NOW + 5), "only its owner gives a lease back"
    assert Run.objects.release(run.id, owner="a")
    assert not lease("b", NOW + 0.5), "once a second is enough"
    assert lease("b", NOW + 1)


def test_the_lease_of_a_dead_owner_runs_out() -> None:
    run = a_run(state=RunState.RUNNING)
    assert Run.objects.lease(run.id, owner="a", now=NOW, seconds=10, again_in=1)
    assert not Run.objects.lease(run.id, owner="b", now=NOW + 9.9, seconds=10, again_in=1)
    assert Run.objects.lease(run.id, owner="b", now=NOW + 10, seconds=10, again_in=1)
    Run.objects.release(run.id, owner="a")
    run.refresh_from_db()
    assert run.lease_owner == "b", "who comes back late takes nothing away"


@pytest.mark.parametrize("state", list(RunState))
def test_a_launch_leases_only_what_is_to_be_launched_and_counts_its_attempts(state: RunState) -> None:
    run = a_run(state=state)
    taken = [Run.objects.lease_launch(run.id, owner="a", now=NOW + 100 * n, seconds=90) for n in range(2)]
    run.refresh_from_db()
    launchable = state in (RunState.PLANNING, RunState.LAUNCHING)
    assert (taken, run.launch_attempts) == ([launchable] * 2, 2 * launchable)


def test_launch_and_watch_exclude_each_other() -> None:
    run = a_run(state=RunState.LAUNCHING)
    assert Run.objects.lease_launch(run.id, owner="launch", now=NOW, seconds=90)
    assert not Run.objects.lease(run.id, owner="ticker", now=NOW + 30, seconds=10, again_in=1)
    Run.objects.release(run.id, owner="launch")
    assert Run.objects.lease(run.id, owner="ticker", now=NOW + 30, seconds=10, again_in=1)
    assert not Run.objects.lease_launch(run.id, owner="launch", now=NOW + 31, seconds=90)


def test_workers_are_looked_at_as_soon_as_their_launch_is_over() -> None:
    run = a_run(state=RunState.LAUNCHING, next_poll=NOW + 100)
    assert Run.objects.lease_launch(run.id, owner="launch", now=NOW, seconds=90)
    Run.objects.release(run.id, owner="launch")
    assert Run.objects.due(NOW + 1).exists()


def test_a_slot_has_one_row_per_epoch() -> None:
    run = a_run()
    Worker.objects.create(run=run, slot=0)
    Worker.objects.create(run=run, slot=0, epoch=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Worker.objects.create(run=run, slot=0)
    assert Worker.objects.count() == 2

"""A worker whose slot another one of the pool shall go on with: it makes load until that begins, or for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.core.loss import OnWorkerLoss, relief_at, take_over_at
from portal.core.protocol import NEVER, DoneReason, Stop, TakeOver
from portal.core.run_state import EndReason
from portal.core.split import Segment, WorkerAssignment
from runner_images.agent.orders import End
from tests.agent.test_orders import PLAN, T0, Desk

ELASTIC = replace(PLAN, pool=1, on_worker_loss=OnWorkerLoss.REPLACE)


def relieve(desk: Desk, epoch: int = 2) -> None:
    desk.store.assign(WorkerAssignment(ELASTIC, Segment(0, 4), epoch, relieves=True))


def begins(desk: Desk, at: int, epoch: int = 2) -> None:
    desk.store.take_over(TakeOver(0, epoch, at))


def test_it_goes_on_until_the_other_begins_and_ends_gently() -> None:
    desk = Desk()
    relieve(desk)
    assert desk.later(t0=T0) is None, "it is only asked for"
    assert desk.orders.begins is None
    begins(desk, T0 + 8)
    assert desk.later(t0=T0) is None
    assert desk.orders.begins == T0 + 8
    assert desk.later(4.85, t0=T0) is None
    assert desk.later(0.1, t0=T0) == End(DoneReason.RELIEVED, "Another worker of the pool went on at 0:08.", hard=False)


def test_one_that_was_called_off_is_waited_for_no_longer_and_the_next_one_is() -> None:
    desk = Desk()
    relieve(desk)
    begins(desk, NEVER)
    assert [desk.later(5, t0=T0) for _ in range(4)] == [None] * 4
    relieve(desk, epoch=3)
    begins(desk, T0 + 30, epoch=3)
    assert desk.later(5, t0=T0) is None
    end = desk.later(5.5, t0=T0)
    assert end is not None
    assert end.reason is DoneReason.RELIEVED


def test_a_replacement_that_does_not_relieve_supersedes_even_behind_one_that_does() -> None:
    desk = Desk()
    relieve(desk)
    assert desk.later(t0=T0) is None
    desk.store.assign(WorkerAssignment(ELASTIC, Segment(0, 4), 3))
    end = desk.later(t0=T0)
    assert end is not None
    assert (end.reason, end.hard) == (DoneReason.SUPERSEDED, True)


def test_a_stop_comes_first() -> None:
    desk = Desk()
    relieve(desk)
    begins(desk, T0 + 60)
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    end = desk.later(t0=T0)
    assert end is not None
    assert end.reason is DoneReason.STOPPED


def test_a_store_that_is_away_keeps_nobody_from_handing_over() -> None:
    desk = Desk()
    relieve(desk)
    begins(desk, T0 + 8)
    assert desk.later(t0=T0) is None
    desk.objects.fails = True
    end = desk.later(7, t0=T0)
    assert end is not None
    assert end.reason is DoneReason.RELIEVED


@pytest.mark.parametrize("engine", ["k6", "artillery"])
def test_whom_nobody_waits_for_takes_its_time(engine: str) -> None:
    hurried = take_over_at(engine, 2, now=T0 + 10.5, t0=T0)
    assert relief_at(engine, now=T0 + 10.5, t0=T0) > hurried

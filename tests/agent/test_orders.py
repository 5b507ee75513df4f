"""What a worker must obey, and that a store which cannot be read orders nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core.loss import HAND_OVER_PATIENCE, OnWorkerLoss
from portal.core.protocol import DoneReason, Pulse, Start, Stop, TakeOver
from portal.core.run_state import EndReason
from portal.core.split import Segment, WorkerAssignment
from portal.stores.layout import pulse_key, start_key, stop_key
from portal.stores.run_store import RunStore
from runner_images.agent.orders import End, Orders
from tests.core.plans import plan
from tests.fakes import FailingStore, FakeClock

PLAN = plan(duration=timedelta(seconds=60), drain=timedelta(seconds=30), pulse_older_than=timedelta(minutes=10))
T0 = 1_000_000


class Desk:
    """A worker's orders and the store they come from."""

    def __init__(self) -> None:
        self.objects, self.clock = FailingStore(), FakeClock(T0)
        self.store = RunStore(self.objects, "run1")
        self.orders = Orders(self.store, self.clock)

    def later(self, seconds: float = 1.5, t0: int | None = None) -> End | None:
        self.clock.advance(seconds)
        return self.orders.end(PLAN, t0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_orders_work_goes_on(desk: Desk) -> None:
    assert desk.orders.end(PLAN, None) is None
    assert desk.later(t0=T0) is None
    assert not desk.orders.is_hard_stop()


def test_who_was_superseded_ends_hard_and_that_comes_before_a_graceful_stop(desk: Desk) -> None:
    desk.orders = Orders(desk.store, desk.clock, slot=2, epoch=1)
    desk.store.assign(WorkerAssignment(PLAN, Segment(1, 3), epoch=2))
    assert desk.later() is None, "another slot's"
    desk.store.assign(WorkerAssignment(PLAN, Segment(2, 3), epoch=2))
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    assert desk.later() == End(DoneReason.SUPERSEDED, "Another worker took slot 2 over.", hard=True)
    desk.objects.fails = True
    assert desk.later() is not None, "it stays so"


def test_who_is_followed_by_the_next_slice_is_not_superseded_and_has_a_deadline_of_its_own(desk: Desk) -> None:
    sliced = plan(duration=timedelta(seconds=60), slices=2)
    desk.store.assign(WorkerAssignment(sliced, Segment(0, 3), epoch=2, part=1))
    assert desk.later() is None
    desk.store.assign(WorkerAssignment(sliced, Segment(0, 3), epoch=2, part=0))
    assert desk.later() == End(DoneReason.SUPERSEDED, "Another worker took slot 0 over.", hard=True)
    other = Desk()
    own = WorkerAssignment(sliced, Segment(0, 3)).deadline
    other.clock.advance(89)
    assert other.orders.end(sliced, T0, own) is None
    other.clock.advance(2)
    assert other.orders.end(sliced, T0, own) == End(DoneReason.DEADLINE, "The deadline has passed.")


def test_a_stop_flag_ends_the_work_with_its_words(desk: Desk) -> None:
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0, message="ada stopped it."))
    assert desk.later() == End(DoneReason.STOPPED, "ada stopped it.", hard=False)
    assert not desk.orders.is_hard_stop()


def test_a_stop_that_becomes_hard_is_hard(desk: Desk) -> None:
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    assert desk.later() == End(DoneReason.STOPPED, "The run was stopped.", hard=False)
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0, hard=True))
    desk.clock.advance(1.5)
    assert desk.orders.is_hard_stop()
    assert desk.later() == End(DoneReason.STOPPED, "The run was stopped.", hard=True)


def test_a_stop_once_seen_stands_though_the_store_goes_away(desk: Desk) -> None:
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    assert desk.later()
    desk.objects.fails = True
    assert desk.later()


def test_the_deadline_counts_from_the_common_start(desk: Desk) -> None:
    length = PLAN.deadline.total_seconds()
    assert length == 120
    assert desk.later(length, t0=T0) is None
    assert desk.later(0.5, t0=None) is None
    ended = desk.later(0.5, t0=T0)
    assert ended is not None
    assert (ended.reason, ended.hard) == (DoneReason.DEADLINE, False)


def test_a_pulse_that_is_too_old_means_the_controller_is_lost(desk: Desk) -> None:
    desk.store.pulse(Pulse(T0 + 100.0))
    assert desk.later(599) is None
    assert desk.later(101) is None
    ended = desk.later(2)
    assert ended is not None
    assert ended.reason is DoneReason.CONTROLLER_LOST


def test_a_controller_that_never_spoke_is_lost_after_the_same_time(desk: Desk) -> None:
    assert desk.later(599) is None
    ended = desk.later(2)
    assert ended is not None
    assert ended.reason is DoneReason.CONTROLLER_LOST


def test_a_pulse_keeps_the_work_going_for_hours(desk: Desk) -> None:
    for _ in range(100):
        desk.store.pulse(Pulse(desk.clock.now()))
        assert desk.later(300) is None


def test_a_store_that_is_away_orders_nothing_but_the_pulse_ages(desk: Desk) -> None:
    desk.store.pulse(Pulse(T0 + 10.0))
    assert desk.later(20) is None
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    desk.objects.fails = True
    assert desk.later(580) is None
    ended = desk.later(15)
    assert ended is not None
    assert ended.reason is DoneReason.CONTROLLER_LOST


def test_orders_that_cannot_be_read_are_none(desk: Desk) -> None:
    for key in (stop_key("run1"), pulse_key("run1"), start_key("run1")):
        desk.objects.put(key, b"{half")
    assert desk.later() is None
    assert desk.orders.start_time() is None


def test_the_store_is_asked_once_a_second_at_most(desk: Desk) -> None:
    desk.later()
    desk.objects.fails = True
    for _ in range(9):
        desk.later(0.1)
    assert desk.objects.failures == 0
    desk.later(0.2)
    assert desk.objects.failures == 1


def test_the_start_is_seen_when_it_is_written(desk: Desk) -> None:
    assert desk.orders.start_time() is None
    desk.store.start(Start(T0 + 5))
    assert desk.orders.start_time() == T0 + 5
    desk.objects.fails = True
    assert desk.orders.start_time() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_work_before_any_other_reason(desk: Desk, signals: None, number: signal.Signals) -> None:
    desk.orders.obey_signals()
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0, hard=True))
    os.kill(os.getpid(), number)
    ended = desk.later(10_000, t0=T0)
    assert ended is not None
    assert (ended.reason, ended.hard) == (DoneReason.TERMINATED, False)


class Leaving(Desk):
    """A worker of slot 0 under load that was told to terminate, in a run that replaces whom it loses."""

    plan = replace(PLAN, on_worker_loss=OnWorkerLoss.REPLACE)

    def __init__(self) -> None:
        super().__init__()
        self.orders.obey_signals()
        os.kill(os.getpid(), signal.SIGTERM)

    def after(self, seconds: float) -> End | None:
        self.clock.advance(seconds)
        return self.orders.end(self.plan, T0)


@pytest.mark.usefixtures("signals")
def test_who_is_taken_away_goes_on_until_another_does() -> None:
    desk = Leaving()
    assert desk.after(1) is None
    assert desk.orders.leaves
    desk.store.assign(WorkerAssignment(PLAN, Segment(0, 1), epoch=2))
    assert desk.after(1.5) is None, "it is only asked for"
    desk.store.take_over(TakeOver(0, 2, begins=T0 + 6))
    assert desk.after(1.5) is None, "it is getting ready"
    assert desk.after(1.85) is None
    end = desk.after(0.1)
    assert end is not None
    assert (end.reason, end.hard) == (DoneReason.TERMINATED, False)
    assert end.message.endswith("Another went on at 0:06.")


@pytest.mark.usefixtures("signals")
def test_it_ends_for_whichever_replacement_comes_to_it() -> None:
    desk = Leaving()
    assert desk.after(1) is None
    for epoch in (2, 3):
        desk.store.assign(WorkerAssignment(PLAN, Segment(0, 1), epoch))
    desk.store.take_over(TakeOver(0, 3, begins=T0 + 2))
    assert desk.after(1.5) is not None


@pytest.mark.usefixtures("signals")
def test_it_waits_no_longer_than_its_platform_does() -> None:
    desk = Leaving()
    assert desk.after(1) is None
    assert desk.after(HAND_OVER_PATIENCE - 1) is None
    assert desk.after(2) is not None


@pytest.mark.usefixtures("signals")
def test_it_ends_at_once_when_told_twice_and_when_the_run_is_stopped() -> None:
    desk = Leaving()
    assert desk.after(1) is None
    desk.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0))
    assert desk.after(1.5) is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        again = Leaving()
        os.kill(os.getpid(), number)
        assert again.after(1) is not None


@pytest.mark.usefixtures("signals")
def test_who_makes_no_load_yet_or_is_not_replaced_ends_at_once() -> None:
    desk = Leaving()
    assert desk.orders.end(desk.plan, None) is not None
    assert desk.orders.end(PLAN, T0) is not None

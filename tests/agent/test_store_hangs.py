"""A store that takes calls and does not answer: what a worker has to do by itself it does in time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from portal.core.protocol import DoneReason, Stop, WorkerPhase
from portal.core.run_state import EndReason
from portal.stores.layout import stop_key
from portal.stores.run_store import RunStore
from runner_images.agent import orders
from runner_images.agent.aside import Aside
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.heart import Heart
from runner_images.agent.orders import Orders
from tests.agent.rig import Rig
from tests.core.plans import plan
from tests.fakes import FailingStore, FakeClock, wait_until

PLAN = plan(duration=timedelta(seconds=60), drain=timedelta(seconds=30), pulse_older_than=timedelta(minutes=10))
T0 = 1_000_000


@pytest.fixture
def objects() -> Iterator[FailingStore]:
    store = FailingStore()
    yield store
    store.answers.set()


@pytest.fixture
def store(objects: FailingStore) -> RunStore:
    return RunStore(objects, "run1")


@pytest.fixture
def hanging(objects: FailingStore, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Orders, FakeClock]:
    """Orders whose store has hung since they were first looked at."""
    monkeypatch.setattr(orders, "WAIT_SECONDS", 0.02)
    clock = FakeClock(T0)
    found = Orders(store, clock)
    assert found.end(PLAN, T0) is None
    objects.answers.clear()
    clock.advance(2)
    assert found.end(PLAN, T0) is None
    return found, clock


def test_the_deadline_is_kept(hanging: tuple[Orders, FakeClock]) -> None:
    found, clock = hanging
    clock.advance(PLAN.deadline.total_seconds())
    end = found.end(PLAN, T0)
    assert end is not None
    assert end.reason is DoneReason.DEADLINE


def test_the_pulse_ages(hanging: tuple[Orders, FakeClock]) -> None:
    found, clock = hanging
    clock.advance(PLAN.pulse_older_than.total_seconds())
    end = found.end(PLAN, None)
    assert end is not None
    assert end.reason is DoneReason.CONTROLLER_LOST


def test_a_signal_is_obeyed(hanging: tuple[Orders, FakeClock]) -> None:
    found, _ = hanging
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        found.obey_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        end = found.end(PLAN, T0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert end is not None
    assert end.reason is DoneReason.TERMINATED


def test_a_stop_is_seen_once_the_store_answers(hanging: tuple[Orders, FakeClock], objects: FailingStore, store: RunStore) -> None:
    found, clock = hanging
    objects.answers.set()
    store.ask_stop(Stop(EndReason.STOPPED_BY_USER, T0, message="ada stopped it."))

    def stopped() -> bool:
        clock.advance(1.5)
        end = found.end(PLAN, None)
        return end is not None and end.reason is DoneReason.STOPPED

    wait_until(stopped, "the stop")


def test_an_engine_that_ends_is_seen_and_its_numbers_wait_for_the_store(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"posts": [2, 3], "until_stopped": True}, patience=60)

    def controller(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        engine = psutil.Process(rig.engines()[0])
        rig.objects.answers.clear()
        try:
            wait_until(lambda: stop_key("run1") in rig.objects.hung, "its question for a stop")
            engine.kill()
            wait_until(lambda: not psutil.pid_exists(engine.pid), "the worker's look at its engine")
        finally:
            rig.objects.answers.set()

    assert rig.live(controller) == ExitCode.DONE
    assert (rig.done().reason, rig.hits()) == (DoneReason.ENGINE_FAILED, 5)


def test_who_has_to_leave_says_so_without_waiting_for_it(objects: FailingStore, store: RunStore) -> None:
    heart = Heart(store, FakeClock(), 0, 1)
    objects.answers.clear()
    heart.phase = WorkerPhase.LEAVING
    heart.hurry()
    objects.answers.set()
    wait_until(lambda: 0 in store.beats(), "the beat")
    heart.stop()
    assert store.beats()[0].phase is WorkerPhase.LEAVING


def test_what_a_call_aside_raised_is_raised_for_its_owner() -> None:
    def fails() -> None:
        raise KeyError("a bug of ours")

    with pytest.raises(KeyError):
        Aside(fails).run(10)

"""Signs of life: phase, health and number of snapshots, also while the store fails; and the generator's own numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from portal.core.protocol import Beat, WorkerPhase
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.heart import Heart
from runner_images.agent.vitals import SHORTEST, Vitals
from tests.fakes import FailingStore, FakeClock, wait_until

BURN = "import sys, time\nwhile time.process_time() < 0.4: pass\nprint('burnt', flush=True)\nsys.stdin.readline()"


@pytest.fixture
def objects() -> FailingStore:
    return FailingStore()


@pytest.fixture
def store(objects: FailingStore) -> RunStore:
    return RunStore(objects, "run1")


def last(store: RunStore, slot: int) -> Beat:
    return store.beats()[slot]


def test_a_beat_tells_phase_health_and_snapshots(store: RunStore) -> None:
    heart = Heart(store, FakeClock(1000.0), 4, 2)
    heart.beat()
    first = last(store, 4)
    assert (first.slot, first.epoch, first.at, first.phase, first.snapshots) == (4, 2, 1000.0, WorkerPhase.STARTING, 0)
    assert first.memory_bytes > 1_000_000
    assert first.sockets > 0
    heart.phase, heart.snapshots, heart.log_stream = WorkerPhase.DRAINING, 7, "2026/11/29/[3]0a1b"
    heart.beat()
    heart.stop()
    assert (last(store, 4).phase, last(store, 4).snapshots, last(store, 4).log) == (
        WorkerPhase.DRAINING, 7, "2026/11/29/[3]0a1b"
    )  # fmt: skip


def test_it_beats_by_itself_until_it_is_stopped(store: RunStore) -> None:
    clock = FakeClock()
    heart = Heart(store, clock, 0, 1)
    wait_until(lambda: 0 in store.beats(), "the first beat")
    clock.advance(5)
    wait_until(lambda: last(store, 0).at == clock.now(), "a later beat")
    heart.stop()
    clock.advance(5)
    assert not heart._thread.is_alive()
    assert last(store, 0).at == clock.now() - 5


def test_a_failing_store_costs_beats_and_nothing_else(objects: FailingStore, store: RunStore) -> None:
    objects.fails = True
    heart = Heart(store, FakeClock(), 0, 1)
    heart.beat()
    wait_until(lambda: objects.failures > 2, "some missed beats")
    objects.fails = False
    wait_until(lambda: 0 in store.beats(), "a beat after all")
    heart.stop()


def test_the_engines_cpu_and_memory_count_and_are_not_forgotten_when_it_ends() -> None:
    vitals, clock = Vitals(SystemClock()), SystemClock()
    with subprocess.Popen([sys.executable, "-I", "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        vitals.watch(engine.pid)
        vitals.begin()
        began = clock.now()
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"burnt\n"
        clock.sleep(SHORTEST)
        living = vitals.sample()
        used = vitals.mean_cores() * (clock.now() - began)
        engine.communicate(b"\n")
    clock.sleep(SHORTEST)
    vitals.sample()
    assert used > 0.3
    assert vitals.mean_cores() * (clock.now() - began) > 0.3
    assert vitals.peak_cores > 0
    assert vitals.peak_memory >= living.memory_bytes


def test_two_samples_at_once_do_not_invent_cpu() -> None:
    """CPU time comes in steps of 10 ms: over a millisecond one step would look like ten cores."""
    clock = FakeClock()
    vitals = Vitals(clock)
    vitals.begin()
    until = os.times().user + 0.05
    while os.times().user < until:
        pass
    clock.advance(0.001)
    assert vitals.sample().cpu_cores == 0
    clock.advance(1)
    assert 0.03 < vitals.sample().cpu_cores < 1.0
    assert vitals.peak_cores < 1.0


def test_start_up_is_not_load() -> None:
    clock = FakeClock()
    vitals = Vitals(clock)
    until = os.times().user + 0.1
    while os.times().user < until:
        pass
    clock.advance(1)
    vitals.sample()
    vitals.begin()
    clock.advance(10)
    vitals.sample()
    assert vitals.mean_cores() < 0.05
    assert vitals.peak_cores < 0.05


def test_an_engine_that_is_gone_already_is_not_watched() -> None:
    with subprocess.Popen([sys.executable, "-I", "-c", ""]) as engine:
        engine.wait()
    vitals = Vitals(FakeClock())
    vitals.watch(engine.pid)
    assert vitals.sample().memory_bytes > 0

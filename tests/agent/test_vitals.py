"""What the load was to the generator: the course of its CPU, its files and memory against their limits, a late event loop."""

from __future__ import annotations

import resource
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from portal.core.protocol import Start, Strain
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from runner_images.agent.orders import Orders
from runner_images.agent.vitals import MOST_STEPS, History, Vitals
from tests.fakes import FakeClock


@given(st.integers(1, 5000))
def test_a_course_of_any_length_keeps_its_mean_in_few_steps(length: int) -> None:
    history = History()
    for _ in range(length):
        history.add(0.25)
    assert 0 < len(history.steps) < MOST_STEPS
    assert set(history.steps) == {0.25}


def test_when_it_is_full_two_neighbours_become_their_mean() -> None:
    history = History()
    for at in range(MOST_STEPS):
        history.add(float(at))
    assert history.steps[:3] == (0.5, 2.5, 4.5)
    history.add(1000.0)
    assert len(history.steps) == MOST_STEPS // 2, "half a step is not one yet"


def test_the_strain_names_what_was_used_and_what_there_was() -> None:
    clock = FakeClock()
    vitals = Vitals(clock)
    vitals.begin()
    with Path("/dev/null").open() as first, Path("/dev/null").open() as second:
        clock.advance(1)
        vitals.sample()
        assert not first.closed
        assert not second.closed
    for lag in (10.0, 50.0, 30.0):
        vitals.note_lag(lag)
    found = vitals.strain(12.5)
    assert (found.mean_lag_ms, found.peak_lag_ms, found.clock_offset_ms, len(found.cpu_history)) == (30.0, 50.0, 12.5, 1)
    assert found.peak_files >= 5, "the three standard streams and the two"
    assert found.files_limit in (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    assert found.memory_limit_bytes > 100_000_000


def test_start_up_is_no_part_of_the_course() -> None:
    clock = FakeClock()
    vitals = Vitals(clock)
    clock.advance(1)
    vitals.sample()
    vitals.begin()
    assert vitals.strain(None) == Strain(
        cpu_history=(), memory_limit_bytes=vitals.strain(None).memory_limit_bytes, peak_files=vitals.peak_files,
        files_limit=vitals.strain(None).files_limit,
    )  # fmt: skip


def test_who_waited_for_the_start_knows_how_far_off_its_clock_is() -> None:
    store, clock = RunStore(MemoryStore(), "run1"), FakeClock(1_000_000)
    orders = Orders(store, clock)
    assert orders.start_time() is None
    store.start(Start(1_000_003, at=999_998.5))
    clock.advance(0.25)
    assert (orders.start_time(), orders.clock_offset_ms) == (1_000_003, 1750.0)
    clock.advance(10)
    orders.start_time()
    assert orders.clock_offset_ms == 1750.0, "measured once, when it was new"


def test_who_comes_late_cannot_tell_its_clock_from_the_age_of_the_start() -> None:
    store = RunStore(MemoryStore(), "run1")
    store.start(Start(1_000_003, at=999_998.5))
    orders = Orders(store, FakeClock(1_000_050))
    assert (orders.start_time(), orders.clock_offset_ms) == (1_000_003, None)

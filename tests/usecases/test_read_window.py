"""Any part of a run in numbers, whatever steps are left of it: as if only that part had been measured."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import NotFound
from portal.core.merge import merge
from portal.core.merged_run import MergedRun
from portal.core.snapshot import Block, Point
from portal.core.summary import summarise
from portal.stores.kept_series import KeptSeries
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from portal.usecases.read_window import read_window
from tests.core.points import gauge, request, snapshot

T0 = 1_700_000_000 // 3600 * 3600
LENGTH = 400


def second_of(second: int) -> list[Point]:
    """Slower from second to second."""
    return [*request(T0 + second, times=[10.0 + second, 20.0 + 2 * second]), gauge(T0 + second, "vus", 5)]


def stored(*stretches: tuple[int, int]) -> tuple[RunStore, Block]:
    """One worker that measured in these seconds after T0, each stretch kept before the next came."""
    store, run = RunStore(MemoryStore(), "r"), MergedRun()
    kept, blocks = KeptSeries(store), []
    for seq, (start, end) in enumerate(stretches):
        piece = snapshot(0, seq, start=T0 + start, end=T0 + end, points=[p for s in range(start, end) for p in second_of(s)])
        run.add(piece)
        kept.keep(run)
        blocks.append(piece.block)
    return store, merge(blocks)


SHORT = stored((0, 130), (130, LENGTH))
LONG = stored((0, 300), (4 * 3600, 4 * 3600 + 60), (20 * 3600, 20 * 3600 + 60))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, LENGTH - 1), st.integers(1, LENGTH))
def test_any_window_is_exact_while_its_seconds_are_kept(since: int, length: int) -> None:
    store, whole = SHORT
    until = min(since + length, LENGTH)
    found = read_window(store, T0 + since, T0 + until)
    alone = summarise(whole.between(T0 + since, T0 + until), t0=T0 + since, seconds=float(until - since), coverage=1.0, workers=1)
    assert (found.since, found.until, found.is_exact, found.summary) == (T0 + since, T0 + until, True, alone)


def test_a_window_of_a_long_run_widens_to_the_steps_that_are_left() -> None:
    store, whole = LONG
    found = read_window(store, T0 + 61, T0 + 179)
    assert (found.since - T0, found.until - T0, found.is_exact) == (60, 180, False)
    exact = read_window(store, T0 + 60, T0 + 180)
    assert exact.is_exact
    assert exact.summary == found.summary
    assert exact.summary.latency == summarise(whole.between(T0 + 60, T0 + 180), t0=0, seconds=1, coverage=1, workers=1).latency


def test_a_window_over_all_of_a_long_run_has_its_totals_and_names_its_holes() -> None:
    store, whole = LONG
    end = T0 + 20 * 3600 + 60
    summary = read_window(store, T0, end).summary
    assert (summary.requests, summary.coverage) == (2 * 420, round(420 / (end - T0), 4))
    assert summary.latency == summarise(whole, t0=0, seconds=1, coverage=1, workers=1).latency


@pytest.mark.parametrize(("since", "until"), [(500, 600), (-60, 0), (50, 50), (60, 40)])
def test_a_window_without_measurements_is_refused(since: int, until: int) -> None:
    with pytest.raises(NotFound):
        read_window(SHORT[0], T0 + since, T0 + until)


def test_a_run_that_kept_nothing_has_no_window() -> None:
    with pytest.raises(NotFound):
        read_window(RunStore(MemoryStore(), "r"), T0, T0 + 60)

"""Who may be replaced how often, and how a hole is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.counted import Gap
from portal.core.loss import HAND_OVER_LEAD, HAND_OVER_PATIENCE, holes, may_replace, most_replacements, stops_for, take_over_at

T0 = 1_000_000


@pytest.mark.parametrize(
    ("epochs", "epoch", "may"),
    [
        ((1,), 1, True),
        ((2,), 2, True),
        ((3,), 3, False),
        ((1, 3), 1, False),
        ((1, 1, 2, 2), 1, False),
        ((1, 1, 2), 1, True),
        ((1,) * 20, 1, True),
    ],
)
def test_a_slot_is_replaced_twice_and_a_run_as_often_as_half_its_workers(epochs: tuple[int, ...], epoch: int, may: bool) -> None:
    assert may_replace(epochs, epoch) == may


def test_even_a_run_of_one_worker_may_replace_it_twice() -> None:
    assert [most_replacements(workers) for workers in (1, 4, 9, 1000)] == [2, 2, 4, 500]


def test_a_hole_is_told_with_its_minutes_and_seconds() -> None:
    gaps = (Gap(2, T0 + 31, T0 + 39), Gap(3, T0 + 50, T0 + 120), Gap(0, T0 + 5, T0 + 9), Gap(2, T0 + 60, T0 + 61))
    assert list(holes(gaps, T0, dict.fromkeys(range(4), T0 + 120), slots={2, 3})) == [
        "Worker 2 was lost at 0:31 and replaced at 0:39; 8 s of its load are missing.",
        "Worker 3 was lost at 0:50; 70 s of its load are missing.",
    ]


@given(st.floats(0, 3600), st.sampled_from(["k6", "artillery", "another"]), st.integers(2, 3))
def test_a_replacement_begins_at_a_whole_second_its_engine_can_be_ready_at(after: float, engine: str, epoch: int) -> None:
    now = T0 + after
    begins = take_over_at(engine, epoch, now=now, t0=T0)
    seconds = {"k6": 2, "artillery": 4, "another": 4}[engine] * (epoch - 1)
    assert seconds <= begins - now < seconds + 1


def test_one_that_is_started_before_the_load_begins_no_earlier_than_the_others() -> None:
    assert take_over_at("k6", 2, now=T0 - 60.0, t0=T0) == T0


@given(st.floats(0.0, 0.999), st.floats(0.001, 0.09), st.integers(2, 20))
def test_between_two_workers_of_a_slot_there_is_a_blink_and_no_overlap(phase: float, tick: float, seconds: int) -> None:
    """Whoever leaves looks at the clock every `tick`: it stops before the other begins, and hardly before."""
    asked, begins = float(T0), T0 + seconds
    turns = (asked + phase * tick + turn * tick for turn in range(math.ceil(seconds / tick) + 1))
    stopped = next(now for now in turns if stops_for(begins, now=now, asked_at=asked))
    assert begins - HAND_OVER_LEAD <= stopped < begins


@given(st.floats(0, 100))
def test_nobody_waits_for_ever_for_another(waited: float) -> None:
    assert stops_for(None, now=T0 + waited, asked_at=T0) == (waited > HAND_OVER_PATIENCE)

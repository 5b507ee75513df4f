"""Who may be replaced how often, and how a hole is told."""

from __future__ import annotations

import pytest

from portal.core.counted import Gap
from portal.core.loss import holes, may_replace, most_replacements

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

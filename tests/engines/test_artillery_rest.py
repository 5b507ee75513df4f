"""Artillery's phases from a moment on: what was started before and what the rest starts are the whole, for every worker."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.split import Segment
from portal.engines.artillery_phases import Phase, length, steps

rates = st.fractions(0, 20, max_denominator=12)
phases = st.lists(
    st.one_of(
        st.builds(Phase, st.integers(1, 20).map(Fraction), rates, rates),
        st.builds(Phase, st.integers(1, 20).map(Fraction), count=st.integers(0, 50)),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


def started(found: tuple[dict[str, object], ...]) -> int:
    return sum(int(str(step.get("arrivalCount", 0))) for step in found)


@settings(max_examples=150, deadline=None)
@given(phases, st.integers(0, 90), st.integers(1, 4))
def test_what_the_rest_starts_and_what_was_planned_before_are_the_whole(whole: list[Phase], since: int, count: int) -> None:
    total = rest = 0
    for index in range(count):
        total += started(steps(whole, Segment(index, count)))
        rest += started(steps(whole, Segment(index, count), since=Fraction(since)))
    before, left = Fraction(0), Fraction(since)
    for phase in whole:
        before += phase.arrivals(min(phase.seconds, max(left, Fraction(0))))
        left -= phase.seconds
    assert rest + math.floor(before) == total


@settings(max_examples=60, deadline=None)
@given(phases, st.integers(0, 90))
def test_the_rest_lasts_as_long_as_what_is_left(whole: list[Phase], since: int) -> None:
    found = steps(whole, Segment(0, 1), since=Fraction(since))
    lasts = sum(int(str(step.get("duration") or step["pause"]).removesuffix("ms")) for step in found)
    assert lasts == max(0, int(length(whole) - since) * 1000)

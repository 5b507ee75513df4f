from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from portal.core.achieved import achieved_load
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad, Stage
from portal.core.timeline import TimePoint

MINUTE = timedelta(seconds=60)
TEN_USERS = ClosedLoad.constant(10, MINUTE)


def users(*counts: float | None, step: int = 1) -> list[TimePoint]:
    return [TimePoint(at * step, vus=count) for at, count in enumerate(counts)]


def achieved(
    load: Load, timeline: list[TimePoint], seconds: float = 60, dropped: int = 0, created: int | None = None
) -> float | None:
    return achieved_load(load, timeline, seconds=seconds, dropped=dropped, created=created)


def test_users_over_time_are_held_against_the_plan() -> None:
    assert achieved(TEN_USERS, users(*[10] * 60)) == 1
    assert achieved(TEN_USERS, users(*[10] * 30, *[5] * 30)) == pytest.approx(0.75)
    assert achieved(TEN_USERS, users(*[12] * 60)) == 1, "more is no better"
    ramp = ClosedLoad(Fraction(0), (Stage(MINUTE, Fraction(60)),))
    assert achieved(ramp, users(*[second + 0.5 for second in range(60)])) == pytest.approx(1)
    assert achieved(ramp, users(*[min(second, 30) for second in range(60)])) == pytest.approx(0.75, abs=0.01)


def test_only_the_time_that_was_measured_and_planned_counts() -> None:
    assert achieved(TEN_USERS, users(*[10] * 20), seconds=20) == 1, "stopped early"
    assert achieved(TEN_USERS, users(*[10] * 60, 3, 1, 0), seconds=63) == 1, "the last users finish"
    assert achieved(TEN_USERS, users(*[10] * 20, *[None] * 20, *[10] * 20)) == 1, "a hole is told as one"
    assert achieved(TEN_USERS, users(10, 10, 5, 10, 10, 10, step=10)) == pytest.approx(55 / 60)


def test_arrivals_are_those_that_were_not_dropped_or_that_artillery_started() -> None:
    open_load = OpenLoad.constant(Fraction(10), MINUTE)
    assert achieved(open_load, []) == 1
    assert achieved(open_load, [], dropped=60) == pytest.approx(0.9)
    assert achieved(open_load, [], created=450) == 0.75
    assert achieved(open_load, [], seconds=30, created=300) == 1


def test_what_is_too_short_or_unknown_is_not_rated() -> None:
    assert achieved(TEN_USERS, users(*[1] * 5), seconds=5) is None
    assert achieved(TEN_USERS, []) is None
    assert achieved(OpenLoad.constant(Fraction(1), timedelta(seconds=5)), [], seconds=5, created=0) is None
    assert achieved(ScriptLoad(MINUTE, 10, 10), users(*[1] * 60)) is None

from datetime import timedelta
from fractions import Fraction

import pytest

from portal.backends import LIMITS
from portal.core.cost import PRICES, estimate, vu_hours
from portal.core.load import ClosedLoad, OpenLoad, ScriptLoad, Stage
from tests.builders import a_plan


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_every_backend_has_a_price() -> None:
    assert set(PRICES) == set(LIMITS)


@pytest.mark.parametrize(
    ("backend", "workers", "length", "likely"),
    [("lambda", 4, minutes(5), 0.036), ("fargate", 5, minutes(480), 3.99), ("ec2", 2, minutes(30), 0.435)],
)
def test_known_runs_cost_what_was_worked_out_by_hand(backend: str, workers: int, length: timedelta, likely: float) -> None:
    found = estimate(a_plan(backend=backend, workers=workers, duration=length))
    assert found.cost.likely == pytest.approx(likely, rel=0.01)


@pytest.mark.parametrize("backend", list(PRICES))
@pytest.mark.parametrize("workers", [1, 12, 1000])
def test_low_likely_and_high_are_in_order(backend: str, workers: int) -> None:
    cost = estimate(a_plan(backend=backend, workers=workers, duration=minutes(10))).cost
    assert 0 < cost.low <= cost.likely <= cost.high


def test_vu_hours_are_the_area_under_a_closed_load() -> None:
    ramp = ClosedLoad(Fraction(0), (Stage(minutes(60), Fraction(100)), Stage(minutes(30), Fraction(100))))
    assert vu_hours(a_plan(load=ramp, duration=minutes(90))) == pytest.approx(50 + 50)


def test_vu_hours_of_other_loads_are_their_most_users_all_the_time() -> None:
    open_load = OpenLoad.constant(Fraction(20), minutes(30), 80)
    assert vu_hours(a_plan(load=open_load, duration=minutes(30))) == pytest.approx(40)
    scripted = ScriptLoad(minutes(30), 10, None)
    assert vu_hours(a_plan(load=scripted, duration=minutes(30))) == pytest.approx(5)


def test_a_quota_that_a_new_account_would_exceed_is_said() -> None:
    (quota,) = estimate(a_plan(backend="fargate", workers=4)).quotas
    assert (quota.used, quota.is_exceeded) == (8, True)
    (quota,) = estimate(a_plan(backend="lambda", workers=4)).quotas
    assert (quota.used, quota.is_exceeded) == (4, False)

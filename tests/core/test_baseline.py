from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any  # Any: columns of a summary or a plan, passed through by name

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.baseline import (
    LEAST_BAND,
    LEAST_HISTORY,
    MOST_HISTORY,
    TOLERANCE,
    Change,
    Comparison,
    Judgement,
    Subject,
    compare,
    compare_with_usual,
    usual_spread,
)
from portal.core.load import ClosedLoad
from portal.core.summary import Latency
from portal.core.wire import from_plain, to_plain
from tests.builders import a_plan, a_summary

milliseconds = st.floats(20, 20_000)


def a_subject(
    run_id: str = "now", p95: float = 100.0, *, plan: dict[str, Any] | None = None, valid: bool = True, **summary: Any
) -> Subject:
    latency = Latency(1000, p95 / 2, 1.0, p95 * 4, p95 / 2, p95 * 0.8, p95, p95 * 2, p95 * 3)
    values = {"latency": latency, "requests_per_second": 100.0, "requests": 6000, "failed": 0, **summary}
    return Subject(run_id, a_plan(**(plan or {})), a_summary(**values), valid)


def runs(*p95: float) -> list[Subject]:
    return [a_subject(f"run {number}", value) for number, value in enumerate(p95)]


def change(found: Comparison | None, measure: str = "p95") -> Change:
    assert found is not None
    return next(change for change in found.changes if change.measure == measure)


def test_a_run_like_its_baseline_changed_nothing() -> None:
    found = compare(a_subject(), a_subject("before"), basis="baseline before")
    assert (found.basis, found.runs, found.is_comparable, found.regressions) == ("baseline before", ("before",), True, ())
    assert [one.measure for one in found.changes] == ["p50", "p95", "p99", "error rate", "requests per second"]


def test_without_a_history_ten_per_cent_are_usual() -> None:
    assert change(compare(a_subject(p95=109), a_subject("before"))).judgement is Judgement.SAME
    worse = change(compare(a_subject(p95=115), a_subject("before")))
    assert (worse.judgement, worse.text) == (Judgement.WORSE, "p95 +15 %, outside the usual ±10 %")
    assert change(compare(a_subject(p95=85), a_subject("before"))).judgement is Judgement.BETTER


def test_the_noise_of_the_last_runs_decides_what_is_usual() -> None:
    quiet = compare_with_usual(a_subject(p95=109), runs(100, 101, 99, 100, 101, 99))
    assert quiet is not None
    assert change(quiet).text == "p95 +9 %, outside the usual ±4.4 %"
    assert quiet.basis == "the last 6 good runs"
    assert change(compare_with_usual(a_subject(p95=109), runs(80, 120, 100, 110, 90))).judgement is Judgement.SAME
    # The centre is the baseline's, the noise that of the history.
    assert change(compare(a_subject(p95=109), a_subject("base", 105), runs(100, 101, 99))).judgement is Judgement.SAME


def test_fewer_throughput_and_more_errors_are_worse() -> None:
    slower = compare(a_subject(requests_per_second=80.0, failed=90), a_subject("before", failed=6))
    assert [one.measure for one in slower.regressions] == ["error rate", "requests per second"]
    assert change(slower, "error rate").text == "error rate +1.4 points, outside the usual ±0.1 points"
    assert change(slower, "requests per second").text == "requests per second -20 %, outside the usual ±10 %"
    more = change(compare(a_subject(requests_per_second=120.0), a_subject("before")), "requests per second")
    assert more.judgement is Judgement.BETTER


def test_a_millisecond_is_noise() -> None:
    assert change(compare(a_subject(p95=2.9), a_subject("before", 2.0))).judgement is Judgement.SAME


def test_too_few_runs_know_no_noise() -> None:
    assert compare_with_usual(a_subject(), runs(100, 100)) is None
    assert LEAST_HISTORY == 3


def test_only_the_newest_runs_count_and_never_the_run_itself() -> None:
    history = [a_subject("now", 500), *runs(*range(100, 100 + MOST_HISTORY)), *runs(900, 900, 900)]
    found = compare_with_usual(a_subject("now"), history)
    assert found is not None
    assert found.runs == tuple(f"run {number}" for number in range(MOST_HISTORY))


@pytest.mark.parametrize(
    ("before", "said"),
    [(a_subject("b", plan={"environment": "staging"}), "different environment (local, staging before)"),
     (a_subject("b", plan={"backend": "ec2"}), "different backend (lambda, ec2 before)"),
     (a_subject("b", plan={"scenario": "cart"}), "different scenario (product, cart before)"),
     (a_subject("b", plan={"load": ClosedLoad.constant(11, timedelta(seconds=10))}), "different load"),
     (a_subject("b", coverage=0.5), "run b covers 50% of its load"), (a_subject("b", requests=0), "run b made no requests"),
     (a_subject("b", valid=False), "run b is inconclusive")],
)  # fmt: skip
def test_what_cannot_be_compared_says_why_and_judges_nothing(before: Subject, said: str) -> None:
    found = compare(a_subject(p95=900), before)
    assert found.obstacles == (said,)
    assert (found.is_comparable, found.regressions) == (False, ())
    assert {one.judgement for one in found.changes} == {Judgement.UNKNOWN}
    assert compare_with_usual(a_subject(), [before] * LEAST_HISTORY) is None


def test_what_differs_without_spoiling_the_comparison_is_said() -> None:
    before = a_subject("b", plan={"script_digest": "ef" * 32, "version": 3, "workers": 1, "targets": {}})
    found = compare(a_subject(), before)
    assert found.is_comparable
    assert found.remarks == (
        "Version 1 of the script is compared with version 3.", "2 workers now, 1 before.", "The targets differ.",
    )  # fmt: skip


@given(st.lists(milliseconds, min_size=3, max_size=10), milliseconds)
def test_the_order_of_the_history_does_not_matter(history: list[float], now: float) -> None:
    there, back = (change(compare_with_usual(a_subject(p95=now), found)) for found in (runs(*history), runs(*history[::-1])))
    assert (there.before, there.usual, there.judgement) == (back.before, back.usual, back.judgement)


@given(st.lists(milliseconds, min_size=3, max_size=10))
def test_the_usual_itself_is_never_a_finding(history: list[float]) -> None:
    middle = change(compare_with_usual(a_subject(p95=100), runs(*history))).before
    found = change(compare_with_usual(a_subject(p95=middle), runs(*history)))
    assert found.judgement is Judgement.SAME
    assert found.usual >= LEAST_BAND * found.before


@given(st.lists(st.floats(95, 105), min_size=5, max_size=9), st.floats(0, 1e6))
def test_one_wild_run_does_not_blind_the_comparison(history: list[float], wild: float) -> None:
    """The band is the middle run's distance, so a single outlier cannot widen it beyond what the others span."""
    assert usual_spread([*history, wild]) <= 3 * 1.4826 * 10.001
    assert change(compare_with_usual(a_subject(p95=200), runs(*history, wild))).judgement is Judgement.WORSE


@given(milliseconds, milliseconds, st.floats(1, 50))
def test_the_unit_does_not_matter(before: float, now: float, scale: float) -> None:
    """Measured in another unit the same change is the same finding, as long as it is not lost in the noise of a millisecond."""
    if abs(abs(now - before) - TOLERANCE * before) < 1e-6 * before:
        return
    small, large = (change(compare(a_subject(p95=now * by), a_subject("b", before * by))) for by in (1.0, scale))
    assert small.judgement is large.judgement


def test_a_comparison_survives_the_wire() -> None:
    found = compare(replace(a_subject(), is_valid=False), a_subject("b", plan={"backend": "ec2"}))
    assert from_plain(Comparison, to_plain(found)) == found

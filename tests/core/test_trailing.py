from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.block import Block, Point
from portal.core.observe import evaluate
from portal.core.thresholds import Threshold, ThresholdResult, parse_threshold, parse_thresholds
from portal.core.trailing import Assessment, Memory
from portal.core.wire import from_plain, to_plain
from tests.core.points import any_point, counter, gauge, rate, trend

T0 = 1000


def rule(text: str, *, abort: bool = False, delay: str = "0s") -> Threshold:
    metric, _, expression = text.partition(" ")
    (found,) = parse_thresholds(
        {metric: {"threshold": expression, "abortOnFail": abort, "delayAbortEval": delay}}, source="request"
    )
    return found


def assessed(text: str, seconds: Iterable[Point | None], *, final: bool = True, planned: int | None = None) -> ThresholdResult:
    """Of one threshold over seconds given in order; None: nothing was measured."""
    points = list(seconds)
    assessment = Assessment([rule(text)], T0, planned)
    assessment.feed(Block.of(point for point in points if point), T0 + len(points))
    (result,) = assessment.results(Block.empty(), float(len(points)), final=final)
    return result


def latencies(*values: float | None) -> list[Point | None]:
    """One request a second, of so many ms."""
    return [None if value is None else trend(T0 + at, "time", [value]) for at, value in enumerate(values)]


def failures(*shares: float | None) -> list[Point | None]:
    return [None if share is None else rate(T0 + at, "bad", 100 * share, 100) for at, share in enumerate(shares)]


def verdict(result: ThresholdResult) -> tuple[bool | None, float | None, float, float]:
    return result.passed, result.observed, result.since, result.until


def test_no_window_of_the_run_may_cross() -> None:
    quiet, spike = [10.0] * 8, [10, 10, 10, 90, 90, 90, 10, 10]
    assert verdict(assessed("time avg<50 over 3s", latencies(*quiet))) == (True, 10.0, 0.0, 3.0)
    assert verdict(assessed("time avg<50 over 3s", latencies(*spike))) == (False, 90.0, 3.0, 6.0)
    assert verdict(assessed("time avg<50", latencies(*spike)))[0] is None, "that is no threshold with windows"
    assert verdict(assessed("time avg<50 over 8s", latencies(*spike))) == (True, 40.0, 0.0, 8.0)


def test_for_counts_only_when_it_stays_crossed() -> None:
    now_and_then = failures(0, 0.5, 0.5, 0, 0.5, 0.5, 0)
    assert assessed("bad rate<0.1 for 3s", now_and_then).passed is True
    assert verdict(assessed("bad rate<0.1 for 2s", now_and_then)) == (False, 0.5, 1.0, 3.0)
    stays = failures(0, 0.3, 0.5, 0.2, 0.4, 0)
    assert verdict(assessed("bad rate<0.1 for 3s", stays)) == (False, 0.5, 1.0, 5.0)


def test_both_together_are_windows_that_stay_crossed() -> None:
    values = latencies(10, 10, 90, 90, 90, 10, 10)
    assert verdict(assessed("time max<50 over 2s for 4s", values)) == (False, 90.0, 1.0, 6.0)
    assert assessed("time max<50 over 2s for 5s", values).passed is True


def test_a_second_without_measurements_neither_goes_on_nor_ends_it() -> None:
    assert verdict(assessed("bad rate<0.1 for 4s", failures(0, 0.5, None, None, 0.5, 0))) == (False, 0.5, 1.0, 5.0)
    assert assessed("bad rate<0.1 for 4s", failures(0, 0.5, None, None, None, 0)).passed is True
    assert assessed("time avg<50 over 2s", [None] * 5).passed is None


def test_a_run_shorter_than_its_window_is_one_window() -> None:
    assert verdict(assessed("time avg<50 over 60s", latencies(40, 80))) == (False, 60.0, 0.0, 2.0)
    assert verdict(assessed("bad rate<0.1 for 60s", failures(0.5, 0.5))) == (False, 0.5, 0.0, 2.0)
    assert assessed("bad rate<0.1 for 60s", failures(0, 0.5)).passed is True
    assert assessed("time avg<50 over 60s", latencies(40, 80), final=False).passed is None, "it may go on"


@pytest.mark.parametrize("planned", [4, None])
def test_what_is_made_per_second_is_not_asked_of_the_time_after_the_load(planned: int | None) -> None:
    hits = [counter(T0 + at, "http_reqs", 20) for at in range(4)]
    found = assessed("http_reqs rate>10 over 2s", [*hits, None, None, None], planned=planned)
    assert found.passed is (planned is not None)
    slow = assessed("time max<50 over 2s", latencies(10, 10, 10, 10, None, 900), planned=4)
    assert slow.passed is False, "an answer that comes late was asked for"


def test_a_window_longer_than_the_load_is_the_load() -> None:
    hits = [counter(T0 + at, "http_reqs", 20) for at in range(4)]
    assert verdict(assessed("http_reqs count>70 over 60s", [*hits, None], planned=4)) == (True, 80.0, 0.0, 4.0)


def test_a_counter_that_nobody_adds_to_stands_at_zero() -> None:
    hits = [counter(T0, "http_reqs", 20), None, None]
    assert verdict(assessed("http_reqs rate>1 over 2s", hits)) == (False, 0.0, 1.0, 3.0)


def test_of_a_gauge_the_newest_value_counts() -> None:
    users = [gauge(T0 + at, "vus", value) for at, value in enumerate((5, 9, 3))]
    assert verdict(assessed("vus value<=5 over 2s", users)) == (False, 9.0, 0.0, 2.0)
    assert verdict(assessed("vus value<=9 over 2s", [*users, None])) == (True, 9.0, 0.0, 2.0)


def test_the_first_crossing_is_the_evidence_of_an_abort() -> None:
    wanted = rule("bad rate<0.1 over 2s", abort=True)
    assessment = Assessment([wanted], T0)
    points = failures(0, 0.1, 0.4, 0.8, 0)
    assessment.feed(Block.of(point for point in points if point), T0 + 5)
    found = assessment.breach(assessment.results(Block.empty(), 5.0))
    assert found == ThresholdResult(wanted, 0.25, False, 1.0, 3.0)
    patient = Assessment([rule("bad rate<0.1 over 2s", abort=True, delay="4s")], T0)
    patient.feed(Block.of(point for point in points if point), T0 + 3)
    assert patient.breach(patient.results(Block.empty(), 3.0)) is None
    patient.feed(Block.of(point for point in points if point), T0 + 5)
    late = patient.breach(patient.results(Block.empty(), 5.0))
    assert late is not None
    assert (late.since, late.until) == (2.0, 4.0)


def test_a_threshold_of_the_whole_run_is_its_own_evidence_once_its_delay_is_over() -> None:
    assessment = Assessment([rule("bad rate<0.1", abort=True, delay="4s"), rule("time avg<5")], T0)
    totals = Block.of([rate(T0, "bad", 5, 10)])
    assert assessment.breach(assessment.results(totals, 3.0)) is None
    found = assessment.breach(assessment.results(totals, 4.0))
    assert found is not None
    assert verdict(found) == (False, 0.5, 0.0, 4.0)


def test_results_come_in_the_order_of_the_thresholds() -> None:
    rules = [rule("bad rate<0.1"), rule("time avg<50 over 2s"), rule("hits count<1")]
    assessment = Assessment(rules, T0)
    assert [result.threshold for result in assessment.results(Block.empty(), 0.0)] == rules


def test_who_comes_later_begins_with_the_seconds_there_are() -> None:
    assessment = Assessment([rule("hits rate>10 over 3s")], T0, since=T0 + 60)
    assessment.feed(Block.of(counter(T0 + at, "hits", 20) for at in range(60, 70)), T0 + 70)
    (found,) = assessment.results(Block.empty(), 70.0)
    assert verdict(found) == (True, 20.0, 60.0, 63.0)


def test_who_goes_on_remembers_what_was_before() -> None:
    wanted = [rule("bad rate<0.1 over 2s"), rule("bad rate<0.3 for 2s")]
    first = Assessment(wanted, T0)
    first.feed(Block.of(point for point in failures(0, 0.8, 0.8, 0.4, 0) if point), T0 + 5)
    memories = from_plain(dict[str, Memory], to_plain(first.memories()))
    second = Assessment(wanted, T0, since=T0 + 100, remembered=memories)
    assert second.results(Block.empty(), 100.0) == first.results(Block.empty(), 100.0)
    quiet = [rate(T0 + 100 + at, "bad", 0, 10) for at in range(9)]
    second.feed(Block.of(quiet), T0 + 109)
    assert [verdict(result) for result in second.results(Block.empty(), 109.0, final=True)] == [
        (False, 0.8, 1.0, 3.0), (False, 0.8, 1.0, 4.0),
    ]  # fmt: skip


windowed = st.builds(
    lambda metric, over, lasting: f"{metric} over {over}s" + (f" for {lasting}s" if lasting else ""),
    st.sampled_from(["time p(90)<400", "time max<500", "time min>100", "hits rate<50", "hits count<100", "failed rate<0.3"]),
    st.integers(1, 7), st.integers(0, 4),
)  # fmt: skip
a_run = st.lists(any_point().filter(lambda point: point.low >= 0 and point.count > 0), max_size=30)


@settings(max_examples=60, deadline=None)
@given(windowed, a_run, st.lists(st.integers(100, 113), max_size=3))
def test_how_the_seconds_are_cut_does_not_matter(text: str, points: list[Point], cuts: list[int]) -> None:
    block = Block.of(points)
    whole, parts = Assessment([rule(text)], 100), Assessment([rule(text)], 100)
    whole.feed(block, 113)
    for cut in (*sorted(cuts), 113):
        parts.feed(block, cut)
    assert parts.results(Block.empty(), 13.0, final=True) == whole.results(Block.empty(), 13.0, final=True)


@settings(max_examples=60, deadline=None)
@given(windowed.filter(lambda text: " for " not in text and "hits rate" not in text), a_run)
def test_it_is_crossed_when_one_window_read_by_itself_is(text: str, points: list[Point]) -> None:
    block, wanted = Block.of(points), rule(text)
    assessment = Assessment([wanted], 100)
    assessment.feed(block, 113)
    (found,) = assessment.results(Block.empty(), 13.0, final=True)
    length = int(wanted.over.total_seconds())
    single = [
        result.observed
        for end in range(100 + length, 114)
        for result in evaluate([wanted], block.between(end - length, end), seconds=float(length))
        if result.observed is not None
    ]
    assert (found.passed is not False) == all(map(wanted.holds, single))
    if single:
        worst: Callable[[Iterable[float]], float] = max if wanted.operator == "<" else min
        assert found.observed == pytest.approx(worst(single))


def test_a_threshold_is_written_with_its_windows() -> None:
    assert parse_threshold("m", "p(95) < 300  over 1m for 30s").text == "m p(95)<300 over 60s for 30s"

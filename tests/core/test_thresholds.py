from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import RequestRejected
from portal.core.observe import evaluate
from portal.core.snapshot import Block
from portal.core.thresholds import MOST, Threshold, ThresholdResult, parse_threshold, parse_thresholds, with_overrides
from portal.core.wire import from_plain, to_plain
from tests.core.points import counter, gauge, rate, request, trend

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20) | st.integers(), inner, max_size=4),
    max_leaves=12,
)


def observed(metric: str, expression: str, block: Block, seconds: float = 10) -> tuple[float | None, bool | None]:
    (result,) = evaluate([parse_threshold(metric, expression)], block, seconds=seconds)
    return result.observed, result.passed


@pytest.mark.parametrize(
    ("metric", "expression", "text"),
    [("http_req_duration", "p(95)<300", "http_req_duration p(95)<300"),
     ("http_req_duration{name:home, scenario:x}", " p(99.9) <= 1.5e3 ", "http_req_duration{name:home,scenario:x} p(99.9)<=1500"),
     ("http_req_duration{group:::main}", "med>=1", "http_req_duration{group:::main} med>=1"),
     ('checks{check:"it works"}', "rate===1", "checks{check:it works} rate==1"),
     ("http_reqs", "count!=0", "http_reqs count!=0"), ("my_counter", "rate>0.5", "my_counter rate>0.5"),
     ("m", "p(.5)<+.5", "m p(0.5)<0.5"), ("m", "p(0)>=-5.", "m p(0)>=-5"), 
     ("m", "p(99.99999) < 12345678901", "m p(99.99999)<12345678901"),
     ("errors", "p(95)<3", "errors p(95)<3"), ("m", "p(95)<300 over 1m30s", "m p(95)<300 over 90s"),
     ("m", "rate<0.01 for 30s", "m rate<0.01 for 30s"), ("m", "max<9  over 10s  for 1m", "m max<9 over 10s for 60s")],
)  # fmt: skip
def test_k6s_syntax_is_read_and_told_again(metric: str, expression: str, text: str) -> None:
    threshold = parse_threshold(metric, expression)
    assert threshold.text == text
    assert parse_threshold(*re.split(r" (?=\w+(?:\(.*\))?[<>=!])", threshold.text, maxsplit=1)) == threshold


@pytest.mark.parametrize(
    "value",
    [{"http_reqs": ["p(95)<300"]}, {"http_req_duration": "count>3"}, {"vus": "rate>1"}, {"checks": "value>1"}, {"m": "p(101)<1"},
     {"m": "mean<1"}, {"m": "p95<300"}, {"m": "p(95)<"}, {"m": ""}, {"m": 5}, {"m": None}, {"": "count>1"}, {"m{": "count>1"},
     {"m{a}": "count>1"}, {"m{a:}": "count>1"}, {5: "count>1"}, {"m": [{"threshold": 5}]}, {"m": {"abortOnFail": True}},
     {"m": [{"threshold": "count>1", "abortOnFail": "yes"}]}, {"m": [{"threshold": "count>1", "delayAbortEval": "soon"}]},
     {"m": [{"threshold": "count>1", "abort": True}]}, {"m": "max<1 over"}, {"m": "max<1 over 0s"}, {"m": "max<1 over 1.5s"},
     {"m": "max<1 over 16m"}, {"m": "max<1 over soon"}, {"m": "max<1 for 1m over 1m"}, {"m": "max<1 for -1s"},
     {"m": "max<Infinity"}, {"m" * 600: "count>1"}, {"m": "c" * 600}, {"m": ["count>1"] * (MOST + 1)},
     [], "p(95)<3", 7],
)  # fmt: skip
def test_what_is_not_a_threshold_is_refused_with_a_sentence(value: object) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_thresholds(value, source="request")
    for problem in refused.value.problems:
        assert problem.field == "thresholds"
        assert problem.message.endswith(".") or "delayAbortEval" in problem.message
        assert len(problem.message) < 400
        assert problem.hint


def test_every_problem_is_reported() -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_thresholds({"http_reqs": ["p(95)<3", "count>1", "med<3"], "m": "x"}, source="request")
    assert len(refused.value.problems) == 3


@settings(max_examples=100, deadline=None)
@given(anything)
def test_garbage_raises_nothing_else(value: object) -> None:
    try:
        parse_thresholds(value, source="request")
    except RequestRejected:
        return


def test_k6s_long_form_says_when_to_abort() -> None:
    (threshold,) = parse_thresholds(
        {"http_req_failed": [{"threshold": "rate<0.1", "abortOnFail": True, "delayAbortEval": "10s"}]}, source="script"
    )
    assert (threshold.abort_on_fail, threshold.delay_abort, threshold.source) == (True, timedelta(seconds=10), "script")


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("1m30s", 90),
        (10_000, 10),
        ("10", 0.01),
        (None, 0),
        ("", 0),
        ("100µs", 0),
        ("-1s", 0),
        ("1h2m3.5s", 3723.5),
        ("10ms", 0.01),
    ],
)
def test_a_delay_is_read_as_k6_reads_it(delay: object, seconds: float) -> None:
    (threshold,) = parse_thresholds(
        {"m": [{"threshold": "max<1", "abortOnFail": None, "delayAbortEval": delay}]}, source="script"
    )
    assert (threshold.delay_abort, threshold.abort_on_fail) == (timedelta(seconds=seconds), False)


def test_the_requests_thresholds_replace_the_scripts_on_the_same_metric_and_labels() -> None:
    script = parse_thresholds({"http_req_duration": ["p(95)<1", "p(99)<2"], "checks": "rate==1"}, source="script")
    wanted = parse_thresholds({"http_req_duration": "p(95)<9"}, source="request")
    assert [threshold.text for threshold in with_overrides(script, wanted)] == ["checks rate==1", "http_req_duration p(95)<9"]


def test_each_aggregation_is_read_from_merged_data() -> None:
    block = Block.of([
        *request(1, "home", times=[10, 20, 30, 40]), *request(2, "cart", status="500", times=[100]),
        gauge(2, "vus", 7), gauge(2, "queue", 4), gauge(1, "queue", 9), rate(1, "checks", 3, 4, check="a"),
    ])  # fmt: skip
    assert observed("http_req_duration", "avg<50", block) == (40, True)
    assert observed("http_req_duration", "max<100", block) == (100, False)
    assert observed("http_req_duration", "min>=10", block) == (10, True)
    assert observed("http_req_duration{name:home}", "p(100)<=40", block) == (40, True)
    assert observed("http_req_duration", "med<31", block)[0] == pytest.approx(30, rel=0.004)
    assert observed("http_reqs", "count==5", block) == (5, True)
    assert observed("http_reqs{status:500}", "count<1", block) == (1, False)
    assert observed("http_reqs", "rate>=0.5", block) == (0.5, True)
    assert observed("http_req_failed", "rate<0.1", block) == (0.2, False)
    assert observed("checks", "rate>0.5", block) == (0.75, True)
    assert observed("vus", "value!=7", block) == (7, False)
    assert observed("queue", "value<5", block) == (4, True)


def test_a_gauge_of_several_workers_is_their_mean_but_users_are_summed() -> None:
    block = Block.of([gauge(2, "vus", 3), gauge(2, "vus", 5), gauge(2, "queue", 3), gauge(2, "queue", 5)])
    assert observed("vus", "value>0", block) == (8, True)
    assert observed("queue", "value>0", block) == (4, True)


def test_without_data_a_count_is_zero_and_everything_else_is_unknown() -> None:
    assert observed("vusers_failed", "count==0", Block.empty()) == (0, True)
    assert observed("mine", "count<1", Block.empty()) == (0, True)
    assert observed("http_reqs", "rate>1", Block.empty()) == (0, False)
    assert observed("http_req_duration", "p(95)<300", Block.empty()) == (None, None)
    assert observed("http_req_failed", "rate<0.1", Block.empty()) == (None, None)
    assert observed("mine", "rate<1", Block.empty()) == (None, None)


def test_an_aggregation_that_does_not_fit_the_metric_found_is_unknown() -> None:
    assert observed("mine", "p(95)<3", Block.of([counter(1, "mine", 1)])) == (None, None)
    assert observed("mine", "count<3", Block.of([trend(1, "mine", [1])])) == (None, None)


def test_results_survive_the_wire() -> None:
    rules = parse_thresholds(
        {"http_reqs{name:home}": {"threshold": "count>3", "delayAbortEval": "90s"}, "x": "p(9)<1"}, source="request"
    )
    results = evaluate(rules, Block.of(request(1)), seconds=12.5)
    assert from_plain(tuple[ThresholdResult, ...], to_plain(results)) == results
    assert from_plain(tuple[Threshold, ...], to_plain(rules)) == rules
    assert (results[0].since, results[0].until) == (0, 12.5)

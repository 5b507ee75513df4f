from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import RequestRejected
from portal.core.fields import shown
from portal.core.load import ClosedLoad, OpenLoad, Stage
from portal.core.loss import OnWorkerLoss
from portal.core.request import FIELDS, LoadTestRequest, parse_request
from tests.core.plans import asked
from tests.core.test_thresholds import anything


def refused(**data: Any) -> list[str]:
    with pytest.raises(RequestRejected) as error:
        asked(**data)
    assert all(problem.message and len(str(problem)) < 1000 for problem in error.value.problems)
    return [problem.field for problem in error.value.problems]


def test_what_is_done_about_a_lost_worker_is_one_of_three() -> None:
    assert [asked(on_worker_loss=word).on_worker_loss for word in ("replace", "abort", "", None)] == [
        OnWorkerLoss.REPLACE, OnWorkerLoss.ABORT, OnWorkerLoss.CONTINUE, OnWorkerLoss.CONTINUE
    ]  # fmt: skip
    for word in ("retry", 3, ["replace"], {"a": 1}):
        with pytest.raises(RequestRejected) as error:
            asked(on_worker_loss=word)
        (problem,) = error.value.problems
        assert (problem.field, problem.hint) == ("on_worker_loss", "Write continue, replace or abort.")


def test_vus_and_duration_are_a_closed_load() -> None:
    assert asked(vus=50, duration="1m").load == ClosedLoad.constant(50, timedelta(minutes=1))
    assert asked(vus="50", duration=60).load == asked(vus=50, duration="1m").load


def test_rate_and_duration_are_an_open_load() -> None:
    assert asked(rate="30/m", duration="10s", max_vus=9).load == OpenLoad.constant(Fraction(1, 2), timedelta(seconds=10), 9)
    assert asked(rate=2.5, duration="10s").load == OpenLoad.constant(Fraction(5, 2), timedelta(seconds=10))


def test_stages_start_at_zero_and_are_users_or_arrivals() -> None:
    ten = timedelta(seconds=10)
    assert asked(stages=["10s:50", {"duration": "10s", "target": 0}]).load == ClosedLoad(
        Fraction(0), (Stage(ten, Fraction(50)), Stage(ten, Fraction(0)))
    )
    assert asked(stages=["10s:5/s", {"duration": 10, "rate": "0"}], max_vus=3).load == OpenLoad(
        Fraction(0), (Stage(ten, Fraction(5)), Stage(ten, Fraction(0))), 3
    )


def test_everything_else_may_be_left_out() -> None:
    found = parse_request({"scenario": " shop ", "environment": "demo"}, backend="local", idempotency_key="k")
    assert found == LoadTestRequest("shop", "demo", "local", idempotency_key="k")


def test_a_full_request_is_read() -> None:
    found = asked(version=3, workers=4, targets={"catalog": "http://127.0.0.1:18101"}, parameters={"SIZE": 3},
                  thresholds={"http_req_failed": ["rate<0.01"]}, tags={"team": "checkout"}, note="before the sale")  # fmt: skip
    assert (found.version, found.workers, found.parameters, found.tags) == (3, 4, {"SIZE": "3"}, {"team": "checkout"})
    assert found.thresholds[0].text == "http_req_failed rate<0.01"
    assert found.thresholds[0].source == "request"


@pytest.mark.parametrize(
    ("data", "field"),
    [({"duration": "10 parsecs", "vus": 5}, "duration"), ({"vus": 0, "duration": "1m"}, "vus"),
     ({"vus": -1, "duration": "1m"}, "vus"), ({"vus": 1.5, "duration": "1m"}, "vus"),
     ({"vus": True, "duration": "1m"}, "vus"), ({"vus": "many", "duration": "1m"}, "vus"),
     ({"vus": 5, "rate": 5, "duration": "1m"}, "rate"), ({"vus": 5}, "duration"), ({"rate": 5}, "duration"),
     ({"duration": "1m"}, "vus"), ({"rate": 0, "duration": "1m"}, "rate"), ({"rate": "5/d", "duration": "1m"}, "rate"),
     ({"rate": 1e9, "duration": "1m"}, "rate"), ({"stages": "10s:5"}, "stages"), ({"stages": ["10s"]}, "stages"),
     ({"stages": ["10s:5", "10s:5/s"]}, "stages"), ({"stages": ["10s:0"]}, "stages"),
     ({"stages": [{"duration": "10s"}]}, "stages"), ({"stages": ["1s:1"] * 1001}, "stages"),
     ({"stages": ["10s:5"], "vus": 5}, "vus"), ({"stages": ["x" * 100_000]}, "stages"), ({"workers": 0}, "workers"),
     ({"workers": "10001"}, "workers"), ({"version": "latest"}, "version"), ({"speed": 5}, "speed"),
     ({"scenario": ["shop"]}, "scenario"), ({"scenario": "x" * 101}, "scenario"), ({"environment": 5}, "environment"),
     ({"targets": ["http://x"]}, "targets"), ({"targets": {"catalog": "ftp://x"}}, "targets"),
     ({"targets": {"catalog": "http://a:b@x"}}, "targets"), ({"targets": {"Catalog!": "http://x"}}, "targets"),
     ({"targets": {"catalog": "http://[::1"}}, "targets"), ({"parameters": {"K6_CLOUD_HOST": "x"}}, "parameters"),
     ({"parameters": {"a b": "x"}}, "parameters"), ({"parameters": {"A": {"b": 1}}}, "parameters"),
     ({"parameters": {"PATH": "x"}}, "parameters"), ({"tags": [1]}, "tags"),
     ({"tags": {str(number): "x" for number in range(51)}}, "tags"), ({"note": "x" * 4001}, "note"), ({"note": 5}, "note"),
     ({"thresholds": {"http_reqs": ["p(95)<3"]}}, "thresholds"), ({"thresholds": ["x"]}, "thresholds")],
)  # fmt: skip
def test_bad_input_is_refused_in_its_field(data: dict[str, object], field: str) -> None:
    assert field in refused(**data)


def test_every_problem_is_found_at_once() -> None:
    assert refused(vus=0, duration="soon", workers=-1, speed=9, thresholds={"http_reqs": ["med<1", "avg<1"]}) == [
        "speed", "vus", "duration", "workers", "thresholds", "thresholds",
    ]  # fmt: skip
    with pytest.raises(RequestRejected) as error:
        parse_request({}, backend="local")
    assert [problem.field for problem in error.value.problems] == ["scenario", "environment"]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), anything, max_size=8))
def test_garbage_raises_nothing_else(data: dict[str, object]) -> None:
    try:
        parse_request(data, backend="local")
    except RequestRejected:
        return


def test_a_deeply_nested_value_is_shown_shortly() -> None:
    nested: object = []
    for _ in range(100_000):
        nested = [nested]
    assert len(shown(nested)) < 90

from __future__ import annotations

import pytest
from hypothesis import given, settings

from portal.core.ensure import parse_ensure
from portal.core.errors import RequestRejected
from tests.core.test_thresholds import anything


@pytest.mark.parametrize(
    ("ensure", "texts"),
    [({"thresholds": [{"http.response_time.p95": 250}, {"http.response_time.median": 9.5}]},
      ["http_req_duration p(95)<250", "http_req_duration med<9.5"]),
     ({"conditions": [{"expression": "http.response_time.p999 < 250 and vusers.failed == 0", "strict": True}]},
      ["http_req_duration p(99.9)<250", "vusers_failed count==0"]),
     ({"conditions": [{"expression": "anything goes here", "strict": False}]}, []),
     ({"conditions": [{"expression": "(http.codes.500 <= 3) and (http.request_rate >= 5)"}]},
      ["http_reqs{status:500} count<=3", "http_reqs rate>=5"]),
     ({"p95": 250, "max": 900, "maxErrorRate": 1},
      ["http_req_duration max<900", "http_req_duration p(95)<250", "http_req_failed rate<=0.01"]),
     ({"thresholds": [{"plugins.metrics-by-endpoint.response_time./a.b.p99": 7, "vusers.session_length.p90": 8}]},
      ["http_req_duration{name:/a.b} p(99)<7", "iteration_duration p(90)<8"]),
     ({"thresholds": [{"errors.ETIMEDOUT": 1, "http.requests": 5, "my.own.thing": 2, "my.own.time.mean": 3}]},
      ["errors{error:ETIMEDOUT} count<1", "http_reqs count<5", "my_own_thing count<2", "my_own_time avg<3"]),
     ({"conditions": [{"expression": "http.response_time.p95 < 250 over 60s and http.codes.503 == 0 for 10s"}]},
      ["http_req_duration p(95)<250 over 60s", "http_reqs{status:503} count==0 for 10s"]),
     ({"conditions": [{"expression": "(vusers.failed < 3 and http.downloaded_bytes > 5)"}]},
      ["vusers_failed count<3", "data_received count>5"]),
     ({"thresholds": [{"plugins.metrics-by-endpoint./a.b.codes.500": 2}]}, ["http_reqs{name:/a.b,status:500} count<2"]),
     ({}, [])],
)  # fmt: skip
def test_every_form_of_ensure_becomes_thresholds(ensure: dict[str, object], texts: list[str]) -> None:
    assert [threshold.text for threshold in parse_ensure({"ensure": ensure})] == texts
    assert [threshold.text for threshold in parse_ensure({"plugins": {"ensure": ensure}})] == texts


@pytest.mark.parametrize(
    "ensure",
    [{"thresholds": {"p95": 3}}, {"thresholds": ["p95"]}, {"thresholds": [{"http.response_time.p96": 3}]}, {"p95": "fast"},
     {"thresholds": [{"http.response_time.p95": True}]}, {"conditions": [{"expression": "a < 1 or b < 2"}]},
     {"conditions": [{"expression": "1 < a"}]}, {"conditions": [{"expression": "not a < 1"}]}, {"conditions": [{}]},
     {"conditions": [{"expression": "(a < 1"}]}, {"thresholds": [{"http.response_time.2xx.p95": 3}]},
     {"conditions": [{"expression": "a < 1 over 16m"}]}, {"conditions": [{"expression": "a < b"}]}, {"maxErrorRate": None},
     ["p95"],     {"thresholds": [{"x" * 300: 3}]}, {"thresholds": [{f"x{number}": 3 for number in range(300)}]}],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_with_a_sentence(ensure: object) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_ensure({"ensure": ensure})
    (problem,) = refused.value.problems
    assert problem.field == "thresholds"
    assert problem.message.endswith((".", "here."))


def test_a_script_without_ensure_has_no_thresholds() -> None:
    assert parse_ensure({}) == ()
    assert parse_ensure({"plugins": {"ensure": {}}}) == ()


@settings(max_examples=60, deadline=None)
@given(anything, anything)
def test_garbage_raises_nothing_else(value: object, other: object) -> None:
    for ensure in (
        value,
        {"thresholds": value, "conditions": other},
        {"thresholds": [value], "conditions": [{"expression": other}]},
    ):
        try:
            parse_ensure({"ensure": ensure, "plugins": other})
        except RequestRejected:
            continue

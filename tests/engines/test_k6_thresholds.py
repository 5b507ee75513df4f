"""What the real k6 takes as a threshold is taken here, and means the same; what it refuses is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from portal.backends.sandbox import HostSandbox
from portal.core.errors import RequestRejected, ScriptInvalid
from portal.core.load import ClosedLoad
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.core.thresholds import parse_threshold
from portal.engines.k6 import K6

pytestmark = pytest.mark.engines
METRICS = """
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
new Counter('orders'); new Gauge('queue'); new Rate('errors'); new Trend('basket', true);
export default function () {}
"""
TAKEN = {
    "http_req_duration": ["p(95)<300", "p(99.9) <= 1.5e3", "p(0)>=0", "p(.5)<1", "p(99.99999)<5.", "avg<.5", "min>-3.5", "max<+3",
                          "med!=3", " avg < 5 ", "p(95)===5", "p(95)==5", "avg<1E3", "avg<12345678901234567890"],
    "http_req_duration{name:home,status:200}": ["p(90)<5"], "http_req_duration{ name : home }": ["p(90)<5"],
    "http_req_duration{expected_response:true}": ["max<5"], "http_req_waiting{group:::main::sub}": ["avg<5"],
    "http_req_duration{name:http://host/path?a=1}": ["avg<5"], "http_req_duration{name:${}/items/{id}}": ["avg<5"],
    "http_req_duration{name:\"quoted\"}": ["avg<5"], "http_req_duration{name:a,name:b}": ["avg<5"],
    "http_reqs": ["count>1", "rate>0.5"], "iterations{scenario:default}": ["rate>1"], "data_received": ["count<1e9"],
    "vus": ["value>0"], "vus_max": ["value<=10"], "http_req_failed": ["rate<0.01"], "checks{check:it works}": ["rate==1"],
    "orders": ["count>1", "rate>0"], "queue": ["value<10"], "errors": ["rate<0.1"], "basket{kind:big,shop:north}": ["p(95)<9"],
    "group_duration{group:::main}": ["avg<5"], "iteration_duration": ["p(99)<9"],
}  # fmt: skip
REFUSED = {
    "http_req_duration": ["count>1", "rate<1", "value<1", "p95<5", "P(95)<5", "p( 95 )<5", "p(95)=5", "p(95)<5ms", "p(95)<0x10",
                          "avg<5;", "avg<1 && max<2", "", "p(95)<300 over 60s"],
    "http_reqs": ["avg<1"], "vus": ["rate>1"], "checks": ["count>1"],
    "http_req_duration{}": ["avg<5"], "http_req_duration{name}": ["avg<5"], "http_req_duration{name:}": ["avg<5"],
    "http_req_duration{name:a,}": ["avg<5"], "http_req_duration{name:a": ["avg<5"],
}  # fmt: skip


def script(**options: object) -> ScriptSource:
    return ScriptSource("k6", "main.js", f"export const options = {json.dumps(options)};{METRICS}")


@pytest.fixture
def engine(k6: EngineTools) -> K6:
    return K6(k6)


def test_all_that_k6_takes_is_taken(engine: K6) -> None:
    found = engine.inspect(script(thresholds=TAKEN), None, {}, HostSandbox()).thresholds
    wanted = {parse_threshold(metric, text).text for metric, rules in TAKEN.items() for text in rules}
    assert {rule.text for rule in found} == wanted
    assert len(found) == sum(map(len, TAKEN.values()))


@pytest.mark.parametrize("metric", sorted(REFUSED))
def test_what_k6_refuses_is_refused(engine: K6, metric: str) -> None:
    for text in REFUSED[metric]:
        with pytest.raises(ScriptInvalid):
            engine.inspect(script(thresholds={metric: [text]}), None, {}, HostSandbox())
        if " over " not in text:
            with pytest.raises(RequestRejected):
                parse_threshold(metric, text)


def test_the_long_form_comes_through(engine: K6) -> None:
    long = [{"threshold": "rate<0.5", "abortOnFail": True, "delayAbortEval": delay} for delay in ("1m30s", 2000, "100us")]
    found = engine.inspect(script(thresholds={"http_req_failed": long}), None, {}, HostSandbox()).thresholds
    assert [rule.delay_abort.total_seconds() for rule in found] == [90, 2, 0]
    assert all(rule.abort_on_fail for rule in found)


@pytest.mark.parametrize("load", [None, ClosedLoad.constant(2, timedelta(seconds=1))])
def test_thresholds_with_windows_come_from_the_scripts_own_corner(engine: K6, load: ClosedLoad | None) -> None:
    ours = {"knopfdruck": {"thresholds": {"http_req_duration": ["p(95)<300 over 60s"], "http_req_failed": "rate<0.01 for 30s"}}}
    facts = engine.inspect(script(ext=ours, thresholds={"checks": ["rate==1"]}), load, {}, HostSandbox())
    assert [rule.text for rule in facts.thresholds] == [
        "checks rate==1", "http_req_duration p(95)<300 over 60s", "http_req_failed rate<0.01 for 30s",
    ]  # fmt: skip


def test_a_mistake_in_that_corner_is_no_threshold_less(engine: K6) -> None:
    mistakes: tuple[object, ...] = ({"thresholds": {"checks": ["rate==1 over 2 days"]}}, {"tresholds": {}}, ["checks"])
    for ours in mistakes:
        with pytest.raises(ScriptInvalid):
            engine.inspect(script(ext={"knopfdruck": ours}), None, {}, HostSandbox())

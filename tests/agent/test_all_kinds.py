"""All that a k6 script can measure, through two real workers into merged data: kinds, groups, scenarios, tags."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from portal.core.load import ScriptLoad
from portal.core.merge import select
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.core.snapshot import Kind
from portal.core.thresholds import parse_threshold
from tests.agent.lives import Lives
from tests.engines.conftest import CountingServer

pytestmark = pytest.mark.engines
SCRIPT = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { check, group } from 'k6';
import { Trend, Counter, Rate, Gauge } from 'k6/metrics';
const t = new Trend('my_trend', true), c = new Counter('my_counter'), r = new Rate('my_rate'), g = new Gauge('my_gauge');
export const options = { scenarios: {
  look: { executor: 'shared-iterations', vus: 4, iterations: 40, exec: 'look' },
  buy: { executor: 'per-vu-iterations', vus: 2, iterations: 5, exec: 'buy', tags: { kind: 'money' } },
} };
export function look() {
  group('browse', () => group('inside', () => {
    const page = http.get(`${__ENV.TARGET_SHOP}/`, { tags: { name: 'item, "quoted"' } });
    check(page, { 'is there': (res) => res.status === 200, 'is large': (res) => res.body.length > 1000 });
  }));
  t.add(2); t.add(4); c.add(3); r.add(true); r.add(false); g.add(7);
}
export function buy() { http.get(`${__ENV.TARGET_SHOP}/missing`, { tags: { name: 'gone' } }); c.add(100, { tier: 'gold' }); }
""")  # fmt: skip
RULES = ("my_counter{tier:gold}", "http_reqs{kind:money}")
EXPECTED: tuple[tuple[str, dict[str, str], float], ...] = (
    ("http_reqs", {}, 50), ("http_reqs", {"scenario": "look"}, 40), ("http_reqs", {"scenario": "buy"}, 10),
    ("http_reqs", {"kind": "money"}, 10), ("http_reqs", {"group": "::browse::inside"}, 40), ("http_reqs", {"status": "404"}, 10),
    ("http_reqs", {"name": 'item, "quoted"', "status": "200"}, 40), ("iterations", {"scenario": "buy"}, 10),
    ("iterations", {}, 50), ("my_counter", {}, 40 * 3 + 10 * 100), ("my_counter", {"tier": "gold"}, 1000), ("my_trend", {}, 240),
    ("my_rate", {}, 40), ("http_req_failed", {"name": "gone"}, 10), ("http_req_failed", {}, 10), ("checks", {}, 40),
    ("checks", {"check": "is there"}, 40), ("checks", {"check": "is large"}, 0),
)  # fmt: skip
"""Metric, labels, total: the sum of a counter or trend, the hits of a rate."""
TRIES = {"checks": 80, "my_rate": 80, "my_trend": 80, "http_req_failed": 50, "http_req_duration": 50, "http_req_waiting": 50,
         "iteration_duration": 50, "group_duration": 80}  # fmt: skip
KINDS = {"my_counter": Kind.COUNTER, "my_gauge": Kind.GAUGE, "my_rate": Kind.RATE, "my_trend": Kind.TREND,
         "data_sent": Kind.COUNTER}  # fmt: skip


def test_nothing_a_script_measures_is_lost_between_k6_and_the_merged_data(
    k6: EngineTools, target: CountingServer, tmp_path: Path
) -> None:
    thresholds = tuple(parse_threshold(metric, "count>1") for metric in RULES)
    load = ScriptLoad(timedelta(seconds=10), 6, 2)
    lives = Lives(tmp_path, k6, SCRIPT, load, target=target.url, workers=2, thresholds=thresholds)
    lives.live()
    block = lives.merged().recent()
    assert target.count == 50
    for metric, labels, total in EXPECTED:
        assert select(block, metric, tuple(labels.items())).total == total, (metric, labels)
    assert {metric: select(block, metric).count for metric in TRIES} == TRIES
    assert {metric: select(block, metric).kind for metric in KINDS} == KINDS
    trend = select(block, "my_trend")
    assert (trend.low, trend.high) == (2, 4)
    assert trend.quantile(0.25) == pytest.approx(2, rel=0.004)
    assert trend.quantile(0.75) == pytest.approx(4, rel=0.004)
    assert {done.broken_batches for done in lives.dones().values()} == {0}

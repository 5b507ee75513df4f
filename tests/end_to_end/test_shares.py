"""Four workers make the load of one, and a script keeps all that is its own: scenarios, metrics, groups, tags, thresholds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any  # Any: the CLI's JSON.

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
SHARED = """
import http from 'k6/http';
export const options = { scenarios: { all: { executor: 'shared-iterations', vus: 8, iterations: 103 } } };
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`); }
"""
ARRIVALS = """
import http from 'k6/http';
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""
OWN = """
import http from 'k6/http';
import { check, group, sleep } from 'k6';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
const sizes = new Trend('body_size'), seen = new Counter('products_seen');
const full = new Rate('full_pages'), last = new Gauge('last_page');
export const options = {
  scenarios: {
    look: { executor: 'constant-vus', vus: 2, duration: '3s', exec: 'look' },
    buy: { executor: 'per-vu-iterations', vus: 2, iterations: 5, exec: 'buy', tags: { kind: 'money' } },
  },
  thresholds: {
    products_seen: ['count>0'], full_pages: ['rate==1'], 'http_reqs{kind:money}': ['count==10'],
    'http_req_duration{group:::browse}': ['p(95)<2000'], body_size: ['min>0'],
    'http_req_duration{expected_response:true}': ['p(95)<2000'], 'http_reqs{proto:HTTP/1.1}': ['count>10'],
  },
};
export function look() {
  group('browse', () => {
    const page = http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } });
    check(page, { 'has products': (r) => r.json('products').length > 0 });
    sizes.add(page.body.length); seen.add(page.json('products').length); full.add(true); last.add(1);
  });
  sleep(0.2);
}
export function buy() { http.get(`${__ENV.TARGET_PRODUCT}/products/search?q=a`, { tags: { name: 'search' } }); }
"""
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> Run:
    def call(name: str, script: str, *words: str) -> dict[str, Any]:
        path = tmp_path / f"{name}.js"
        path.write_text(script)
        imported = portal.loadtest("import", str(path), "--name", name, "--engine", "k6")
        assert imported.code == 0, imported
        said = portal.loadtest("run", name, "--environment", "shop", "--backend", "ec2", *words, "--wait", "--json")
        assert said.code == 0, said
        found: dict[str, Any] = said.json
        return found

    return call


def test_shared_iterations_are_done_once_each_by_four_workers(run: Run, shop: ShopProcess) -> None:
    summary = run("shared", SHARED, "--workers", "4")["summary"]
    assert summary["iterations"] == summary["requests"] == shop.requests() == 103


@pytest.mark.long
def test_arrivals_over_four_workers_are_those_of_one(run: Run, shop: ShopProcess) -> None:
    load = ("--rate", "20", "--duration", "5s", "--max-vus", "20")
    one = run("arrivals", ARRIVALS, *load, "--workers", "1")["summary"]
    four = run("arrivals", ARRIVALS, *load, "--workers", "4")["summary"]
    assert one["dropped_iterations"] == four["dropped_iterations"] == 0
    assert abs(one["iterations"] - four["iterations"]) <= 1
    assert 100 <= four["iterations"] <= 101
    assert one["requests"] + four["requests"] == shop.requests()


def test_a_scripts_own_scenarios_metrics_groups_tags_and_thresholds_survive(run: Run, shop: ShopProcess) -> None:
    result = run("own", OWN, "--workers", "2")
    summary = result["summary"]
    assert result["verdict"] == "passed"
    assert summary["requests"] == shop.requests()
    assert 2 <= summary["vus_max"] <= 4
    thresholds = {row["text"]: row for row in result["thresholds"]}
    assert thresholds["http_reqs{kind:money} count==10"]["observed"] == 10
    assert len(thresholds) == 7
    assert all(row["passed"] for row in thresholds.values())
    metrics = {row["metric"]: row for row in summary["metrics"]}
    assert metrics["products_seen"]["kind"] == "counter"
    assert metrics["full_pages"]["value"] == 1
    assert metrics["body_size"]["latency"]["count"] == metrics["full_pages"]["count"]
    assert {"last_page"} <= set(metrics)
    assert [(check["name"], check["failed"]) for check in summary["checks"]] == [("has products", 0)]

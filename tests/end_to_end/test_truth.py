"""The truth about counts: whatever the engine, the number of workers and the kind of load, ours equal the target's own.

The target is slow by a known time, so the percentiles have a known place as well.
"""

from __future__ import annotations

from typing import Any  # Any: the CLI's JSON.

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
LATENCY_MS = 40.0
SHARED = """
import http from 'k6/http';
export const options = { scenarios: { all: { executor: 'shared-iterations', vus: 16, iterations: 203, maxDuration: '1m' } } };
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""
LOADS = {
    "closed": ("--vus", "16", "--duration", "4s"),
    "open": ("--rate", "40", "--duration", "4s", "--max-vus", "40"),
}
FLOW = """
config:
  target: "{{ $env.TARGET_PRODUCT }}"
  phases: [{ duration: 4, arrivalRate: 10 }]
scenarios:
  - flow: [{ get: { url: /products, name: list } }, { get: { url: /products, name: again } }]
"""


def truth(portal: PortalProcess, shop: ShopProcess, script: tuple[str, str, str], *words: str) -> dict[str, Any]:
    """The summary of a run of this (name, engine, text) against a product service that is known to be slow."""
    name, engine, text = script
    file = portal.folder / f"{name}{'.js' if engine == 'k6' else '.yml'}"
    if not file.exists():
        file.write_text(text)
        said = portal.loadtest("import", str(file), "--name", name, "--engine", engine)
        assert said.code == 0, said
    shop.faults("product", latency_ms=LATENCY_MS)
    said = portal.loadtest("run", name, "--environment", "shop", "--backend", "ec2", *words, "--wait", "--json")
    assert said.code == 0, said
    summary: dict[str, Any] = said.json["summary"]
    assert summary["requests"] == shop.counters("product")["requests"] == shop.requests() > 0
    assert summary["requests"] == summary["latency"]["count"] == sum(row["count"] for row in summary["by_name"])
    assert summary["failed"] == 0
    assert summary["coverage"] == 1.0
    # Never faster than the target, but for a bucket of 0.4 % and Artillery's whole milliseconds. Artillery's clock starts when
    # its event loop sees the request sent: in a busy process single values come out shorter, so there the median must hold.
    least = summary["latency"]["low" if engine == "k6" else "p50"]
    assert LATENCY_MS - 1 <= least <= summary["latency"]["high"]
    return summary


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("workers", [1, pytest.param(8, marks=pytest.mark.long)])
def test_k6_counts_what_the_target_counts(portal: PortalProcess, shop: ShopProcess, workers: int, load: str) -> None:
    script = ("truth-k6", "k6", SHARED)
    summary = truth(portal, shop, script, *LOADS[load], "--workers", str(workers))
    if load == "open":
        assert 160 <= summary["iterations"] + summary["dropped_iterations"] <= 161


@pytest.mark.parametrize("workers", [1, 8])
def test_k6s_own_fixed_iterations_are_done_exactly(portal: PortalProcess, shop: ShopProcess, workers: int) -> None:
    summary = truth(portal, shop, ("truth-k6", "k6", SHARED), "--workers", str(workers))
    assert summary["requests"] == summary["iterations"] == 203


@pytest.mark.parametrize("workers", [1, pytest.param(8, marks=pytest.mark.long)])
def test_artillery_counts_what_the_target_counts(portal: PortalProcess, shop: ShopProcess, workers: int) -> None:
    summary = truth(portal, shop, ("truth-artillery", "artillery", FLOW), "--workers", str(workers))
    assert summary["requests"] == 80

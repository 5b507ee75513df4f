"""A sliced load with real k6 (`make chaos`): what reaches the shop is the plan, counted at the shop's own counters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any  # Any: the CLI's JSON.

import pytest

from tests.portal_process import PortalProcess, gone
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.engines, pytest.mark.timeout(300)]
SCRIPT = """
import http from 'k6/http';
export function setup() { return { token: 'once' }; }
export default function (data) {
  if (data.token !== 'once') throw new Error('no data');
  http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } });
}
export function teardown() { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'tidy' } }); }
"""
SLICE, WORKERS = 20, 2


def begin(portal: PortalProcess, folder: Path, *load: str) -> str:
    """No worker makes load for longer than 20 s: the limit counts where a run is planned."""
    script = folder / "sliced.js"
    script.write_text(SCRIPT)
    assert portal.loadtest("import", str(script), "--name", "sliced", "--engine", "k6").code == 0
    words = ("run", "sliced", "-e", "shop", "-b", "lambda", "--workers", str(WORKERS), *load, "--sliced", "--json")
    said = portal.manage("loadtest", *words, KNOPFDRUCK_LAMBDA_SECONDS=str(SLICE))
    assert said.code == 0, said
    return str(said.json["id"])


def parts_of(result: dict[str, Any]) -> Counter[tuple[int, str]]:
    return Counter((row["slice"], row["state"]) for row in result["workers"])


def test_slices_make_the_load_of_one_worker(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> None:
    run_id = begin(portal, tmp_path, "--stage", "20s:20/s", "--stage", "30s:20/s", "--stage", "10s:0/s")
    portal.wait_end(run_id)
    result = portal.results(run_id)
    summary, planned = result["summary"], 20 * 20 // 2 + 20 * 30 + 20 * 10 // 2
    assert (result["end_reason"], result["verdict"], result["notes"]) == ("completed", "passed", []), (
        result["message"],
        result["notes"],
        result["workers"],
    )
    assert parts_of(result) == {(part, "done"): WORKERS for part in range(3)}
    assert abs(summary["requests"] - planned) <= 2 * 3, "a slice may round an arrival of each worker away"
    assert shop.requests() == summary["requests"] + 1, "teardown() once, and nothing unmeasured"
    assert summary["coverage"] == 1.0
    assert summary["start_skew_ms"] < 1000
    around = [point["requests"] for point in result["timeline"] if 20 <= point["second"] < 50]
    assert all(18 <= requests <= 22 for requests in around), around


def test_a_stop_reaches_those_that_wait_too(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> None:
    run_id = begin(portal, tmp_path, "--vus", "4", "--duration", "60s")
    portal.wait(run_id, lambda _: len(portal.results(run_id)["workers"]) > WORKERS, "the next slice")
    agents = portal.agents(run_id)
    assert portal.loadtest("stop", run_id).code == 0
    portal.wait_end(run_id)
    assert gone(agents)
    assert portal.results(run_id)["end_reason"] == "stopped_by_user"
    assert shop.requests() > 0

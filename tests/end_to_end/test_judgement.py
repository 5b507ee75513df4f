"""Windows, trust and comparison with real engines: an outage in the middle, how the generators were, two runs side by side."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
SCRIPT = """
import http from 'k6/http';
import { sleep } from 'k6';
export const options = {
  vus: 4, duration: '40s',
  ext: { knopfdruck: { thresholds: {
    http_req_failed: [{ threshold: 'rate<0.5 for 3s', abortOnFail: true }],
    'http_req_duration{name:list,expected_response:true}': ['p(95)<5000 over 5s'],
  } } },
};
export default function () {
  http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } });
  sleep(0.1);
}
"""


def test_an_outage_aborts_with_rule_value_and_window(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> None:
    (tmp_path / "list.js").write_text(SCRIPT)
    assert portal.loadtest("import", str(tmp_path / "list.js"), "--name", "list").code == 0
    outage = threading.Timer(10, lambda: shop.faults("product", error_rate=1.0))
    outage.start()
    said = portal.loadtest("run", "list", "--environment", "shop", "--backend", "lambda", "--workers", "2", "--wait", "--json")
    outage.join()
    result = said.json
    assert (said.code, result["end_reason"], result["verdict"]) == (99, "threshold_abort", "failed"), result
    held, crossed = result["thresholds"]
    assert crossed["text"] == "http_req_failed rate<0.5 for 3s"
    window = crossed["window"]
    assert window["from"] > 0
    assert window["to"] - window["from"] >= 3
    assert crossed["evidence"].startswith("http_req_failed rate<0.5 for 3s was 100 % from second")
    assert result["message"].startswith("Aborted: http_req_failed rate<0.5 for 3s was ")
    assert (held["passed"], held["text"]) == (True, "http_req_duration{expected_response:true,name:list} p(95)<5000 over 5s")


@pytest.mark.long
@pytest.mark.parametrize(("scenario", "backend", "load"), [
    ("k6-product", "lambda", ("--vus", "4", "--duration", "12s")), ("journey", "fargate", ("--rate", "3", "--duration", "12s")),
])  # fmt: skip
def test_the_generators_are_weighed_and_a_second_run_is_set_beside_the_first(
    portal: PortalProcess, shop: ShopProcess, scenario: str, backend: str, load: tuple[str, ...]
) -> None:
    run = ("run", scenario, "--environment", "shop", "--backend", backend, *load, "--workers", "2", "--wait", "--json")
    first = portal.loadtest(*run).json
    assert first["trust"] in ("valid", "suspect"), first
    for health in first["health"]:
        assert health["peak_files"] > 5
        assert health["memory_limit_bytes"] > health["peak_memory_bytes"] > 10_000_000
        assert 3 <= len(health["cpu_history"]) <= 240
        assert -1 < health["clock_offset_ms"] < 2000
        assert (health["peak_lag_ms"] > 0) == (first["engine"] == "artillery")
    assert first["summary"]["achieved"] > 0.9
    assert portal.loadtest("baseline", first["id"]).code == 0
    second = portal.loadtest(*run).json
    assert second["comparison"]["basis"] == f"baseline {first['id']}"
    assert second["comparison"]["comparable"]
    assert [change["measure"] for change in second["comparison"]["changes"]][:3] == ["p50", "p95", "p99"]

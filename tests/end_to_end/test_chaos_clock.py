"""A run of three workers on machines of which one has a wrong clock (`make chaos`): nothing is lost, and the report tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess
from tests.skewed_machine import skewed_node, skewed_python

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
WORKERS, SKEWED, RATE, SECONDS = 3, 1, 6, 25
OFFSET_MS = 1400
"""What it takes until a worker sees the start counts as its clock's."""
ARRIVALS = f"""
config:
  target: "{{{{ $env.TARGET_PRODUCT }}}}"
  phases:
    - {{name: steady, duration: {SECONDS}, arrivalRate: {RATE}}}
scenarios:
  - flow:
      - get: {{url: /products, name: GET /products}}
"""


@pytest.fixture(params=[3.0, -3.0], ids=["ahead", "behind"])
def skew(request: pytest.FixtureRequest) -> float:
    seconds: float = request.param
    return seconds


@pytest.fixture
def portal(skew: float, running_shop: ShopProcess, tmp_path: Path) -> Iterator[PortalProcess]:
    for name in ("machine", "portal"):
        (tmp_path / name).mkdir()
    python = skewed_python(tmp_path / "machine", slot=SKEWED, seconds=skew)
    process = PortalProcess(tmp_path / "portal", running_shop.targets, python=python)
    process.environment["NODE_BIN"] = skewed_node(tmp_path / "machine", slot=SKEWED, seconds=skew)
    process.prepare()
    process.start()
    yield process
    process.stop()


def test_a_worker_whose_clock_is_three_seconds_wrong_costs_no_number_and_is_told(
    portal: PortalProcess, shop: ShopProcess, skew: float
) -> None:
    """It begins by its own clock, so up to three seconds beside the others: that is what the report warns of."""
    path = portal.folder / "arrivals.yml"
    path.write_text(ARRIVALS)
    assert portal.loadtest("import", str(path), "--name", "arrivals", "--engine", "artillery").code == 0
    run_id = portal.begin("arrivals", "--backend", "fargate", "--workers", str(WORKERS))
    portal.wait_end(run_id)
    result = portal.results(run_id)
    summary = result["summary"]
    assert (result["end_reason"], result["verdict"], result["trust"]) == ("completed", "passed", "suspect"), result
    assert (summary["requests"], summary["coverage"], summary["lost"]) == (shop.requests(), 1.0, [])
    assert shop.requests() == RATE * SECONDS
    assert all(point["requests"] for point in result["timeline"][:SECONDS]), "every second was measured"
    offsets = [worker["clock_offset_ms"] for worker in result["health"]]
    assert offsets[SKEWED] == pytest.approx(skew * 1000, abs=OFFSET_MS)
    assert all(abs(offsets[slot]) < OFFSET_MS for slot in range(WORKERS) if slot != SKEWED), offsets
    told = [note for note in result["notes"] if note.startswith(f"Worker {SKEWED} has a clock that is")]
    assert len(told) == 1, result["notes"]
    assert ("ahead" if skew > 0 else "behind") in told[0]

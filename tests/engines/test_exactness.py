"""The claim behind every number: merged percentiles against the exact ones over all raw samples of all workers."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from portal.backends.sandbox import HostSandbox
from portal.core.block import Block
from portal.core.load import ClosedLoad
from portal.core.merge import merge, select
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.core.window import LabelPolicy, Window
from portal.engines.k6 import K6
from tests.engines.plans import assignment
from tests.engines.workers import K6Worker, free_port
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
WORKERS, VUS, LOAD_SECONDS = 4, 12, 5
SCRIPT = """
import http from 'k6/http';
export const options = { vus: 1, duration: '1s' };
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'products' } }); }
"""


def raw_durations(path: Path) -> list[float]:
    with path.open() as file:
        return [float(row["metric_value"]) for row in csv.DictReader(file) if row["metric_name"] == "http_req_duration"]


def test_merged_percentiles_are_within_a_per_cent_and_counts_and_extremes_exact(k6: EngineTools, tmp_path: Path) -> None:
    engine, load = K6(k6), ClosedLoad.constant(VUS, timedelta(seconds=LOAD_SECONDS))
    bundle = dict(engine.bundle(ScriptSource("k6", "s.js", SCRIPT), load, {}, HostSandbox()))
    with ShopProcess() as shop:
        shop.faults("product", latency_ms=4, jitter_ms=60)
        workers = []
        for slot in range(WORKERS):
            ports = {"rest_port": free_port(), "intake_port": free_port()}
            share = assignment("k6", "s.js", load, index=slot, count=WORKERS, targets=shop.targets)
            command = engine.command(share, bundle=bundle, cores=1, **ports)
            raw = ("-o", "csv=fileName=raw.csv", command.argv[-1])
            workers.append(K6Worker(tmp_path / str(slot), bundle, replace(command, argv=(*command.argv[:-1], *raw)), **ports))
        for worker in workers:
            worker.wait_ready()
        for worker in workers:
            worker.release()
        codes = [worker.wait() for worker in workers]
        asked = shop.requests()
    assert codes == [0] * WORKERS
    blocks = []
    for worker in workers:
        window = Window(LabelPolicy())
        window.add(worker.points(engine))
        blocks.append(window.close(1 << 36))
    samples = [value for slot in range(WORKERS) for value in raw_durations(tmp_path / str(slot) / "raw.csv")]
    check(merge(blocks), np.array(samples), asked)


def check(merged: Block, raw: np.ndarray, asked: int) -> None:  # type: ignore[type-arg]  # Plain floats.
    found = select(merged, "http_req_duration")
    assert found.count == len(raw) == asked > 200
    assert found.low == pytest.approx(raw.min(), abs=1e-6)
    assert found.high == pytest.approx(raw.max(), abs=1e-6)
    assert found.total == pytest.approx(raw.sum(), rel=1e-6)
    for q in (0.5, 0.9, 0.95, 0.99, 0.999):
        assert found.quantile(q) == pytest.approx(np.quantile(raw, q), rel=0.01), f"p{q * 100:g}"

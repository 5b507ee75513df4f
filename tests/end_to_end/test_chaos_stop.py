"""Stops that are hard to follow: a hundred at the same moment, and one of a script that does not want to end (`make chaos`)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.followed import Followed, follow, second_errors
from tests.bench.scale import NOWHERE, SETTINGS, Crowd, store_in_memory
from tests.bench.stage import PAGE, stage
from tests.portal_process import PortalProcess, gone
from tests.shop_process import ShopProcess

STOPS, WORKERS = 100, 100
RATE, UNSAID_SECONDS = 4, 2
DEAF = """
process.on('SIGTERM', () => {});
process.on('SIGINT', () => {});
module.exports = { forEver: (context, events, done) => { setInterval(() => {}, 1000); done(); } };
"""
FLOW = """
config:
  target: "{{ $env.TARGET_PRODUCT }}"
  processor: ./deaf.js
  phases: [{ duration: 120, arrivalRate: RATE }]
scenarios:
  - flow: [{ get: { url: /products, name: list } }, { function: forEver }, { think: 600 }]
""".replace("RATE", str(RATE))


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_hundred_stops_at_once_are_one_stop_and_nothing_measured_is_lost() -> None:
    environment = dict(SETTINGS)
    with store_in_memory() as store, stage(NOWHERE, {"page": PAGE}, environment=environment | {"KNOPFDRUCK_STORE": store}) as on:
        crowd = Crowd(on.portal.folder, store)
        with crowd.at_work(WORKERS + 5, 200), ThreadPoolExecutor(STOPS) as people:
            body = {"scenario": "page", "vus": WORKERS, "duration": "120s", "workers": WORKERS}
            run = Followed(on.start("ec2", body), time.time(), 120)
            follow(on, [run], time.time() + 100, lambda: len(run.behind) > 7)
            answers = list(people.map(lambda _: on.stop(run.run_id), range(STOPS)))
            follow(on, [run], time.time() + 100, lambda: run.ended is not None)
        result, told = on.results(run.run_id), crowd.ended(run.run_id)
    assert {answer["id"] for answer in answers} == {run.run_id}
    assert result["end_reason"] == "stopped_by_user"
    assert (len(told), {one["reason"] for one in told}) == (WORKERS, {"stopped"})
    assert result["summary"]["requests"] == sum(one["requests"] for one in told) > 0
    assert second_errors(result, told) == 0
    assert result["summary"]["lost"] == []


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_script_that_ignores_the_stop_is_ended_all_the_same(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> None:
    """Its users think for ten minutes, and its processor takes SIGTERM and SIGINT from Artillery."""
    (tmp_path / "deaf.js").write_text(DEAF)
    script = tmp_path / "deaf.yml"
    script.write_text(FLOW)
    assert portal.loadtest("import", str(script), "--name", "deaf", "--engine", "artillery").code == 0
    run_id = portal.begin("deaf", "--backend", "fargate", "--workers", "2")
    portal.wait_load(run_id, 20)
    agents = portal.agents(run_id)
    engines = portal.engines_of(agents)
    assert portal.loadtest("stop", run_id).code == 0
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"], result["summary"]["lost"]) == ("stopped_by_user", "inconclusive", []), result
    measured, asked = result["summary"]["requests"], shop.requests()
    assert 20 <= measured <= asked <= measured + UNSAID_SECONDS * RATE, "but for what it was killed before it could tell"
    assert gone(agents + engines)

"""Workers that die, freeze and come back under load, with each policy (`make chaos`). Counted at the shop's own counters."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any  # Any: the CLI's JSON.

import psutil
import pytest

from tests.portal_process import PortalProcess, gone, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
ARRIVALS = """
import http from 'k6/http';
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""
RATE, SECONDS, WORKERS = 20, 70, 4
PLANNED = RATE * SECONDS
Begin = Callable[..., str]


@pytest.fixture
def begin(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> Begin:
    """Starts 20 arrivals/s for 70 s on four workers, one request each, and waits for load."""
    script = tmp_path / "arrivals.js"
    script.write_text(ARRIVALS)
    assert portal.loadtest("import", str(script), "--name", "arrivals", "--engine", "k6").code == 0

    def call(policy: str, name: str = "arrivals", *words: str) -> str:
        load = words or ("--backend", "ec2", "--rate", str(RATE), "--duration", f"{SECONDS}s", "--workers", str(WORKERS))
        run_id = portal.begin(name, *load, "--on-worker-loss", policy)
        portal.wait_load(run_id, 100)
        return run_id

    return call


def agent_of(portal: PortalProcess, run_id: str, slot: int, epoch: int = 1) -> psutil.Process:
    found = (agent for agent in portal.agents(run_id) if words(agent, "--slot", "--epoch") == [str(slot), str(epoch)])
    return next(found)


def words(agent: psutil.Process, *options: str) -> list[str]:
    line = agent.cmdline()
    return [line[line.index(option) + 1] for option in options]


def workers(portal: PortalProcess, run_id: str) -> list[tuple[int, int, str]]:
    return [(row["slot"], row["epoch"], row["state"]) for row in portal.results(run_id)["workers"]]


def wait_replaced(portal: PortalProcess, run_id: str, slot: int, epoch: int = 2) -> None:
    """Until the worker of that epoch is under load."""
    portal.wait(run_id, lambda _: (slot, epoch, "running") in workers(portal, run_id), "the replacement")


def check_replaced(result: dict[str, Any], asked: int, slot: int = 2) -> None:
    summary = result["summary"]
    assert (result["end_reason"], result["verdict"], summary["lost"]) == ("completed", "passed", []), result
    assert 0.95 <= summary["coverage"] < 1.0
    assert any(note.startswith(f"Worker {slot} was lost at 0:") and "replaced at" in note for note in result["notes"]), result
    assert summary["requests"] <= asked <= PLANNED, "nothing is doubled"
    assert summary["requests"] >= PLANNED * 0.9, "the replacement did the rest"


def test_a_killed_worker_is_replaced_and_the_hole_is_told(portal: PortalProcess, shop: ShopProcess, begin: Begin) -> None:
    run_id = begin("replace")
    agent_of(portal, run_id, 2).send_signal(signal.SIGKILL)
    wait_replaced(portal, run_id, 2)
    portal.wait_end(run_id)
    check_replaced(portal.results(run_id), shop.requests())
    assert [(slot, epoch) for slot, epoch, _ in workers(portal, run_id)] == [(0, 1), (1, 1), (2, 1), (2, 2), (3, 1)]


def test_a_killed_worker_stops_the_run_where_that_was_asked(portal: PortalProcess, begin: Begin) -> None:
    run_id = begin("abort")
    agents = portal.agents(run_id)
    engines = portal.engines_of(agents)
    agent_of(portal, run_id, 1).send_signal(signal.SIGKILL)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"]) == ("workers_lost", "inconclusive")
    assert result["message"].startswith("Worker 1 was lost: ")
    assert "stopped for it at 0:" in result["message"]
    assert 0 < result["summary"]["requests"] < PLANNED
    assert gone(agents + engines)


def test_a_frozen_worker_is_replaced_and_makes_no_load_when_it_is_thawed(
    portal: PortalProcess, shop: ShopProcess, begin: Begin
) -> None:
    run_id = begin("replace")
    agent = agent_of(portal, run_id, 2)
    frozen = [agent, *agent.children()]
    for process in frozen:
        process.suspend()
    wait_replaced(portal, run_id, 2)
    for process in frozen:
        if process.is_running():
            process.resume()
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert gone(frozen)
    assert (result["end_reason"], result["summary"]["lost"]) == ("completed", [])
    assert 0.85 < result["summary"]["coverage"] < 1.0
    assert any("Worker 2 was lost at 0:" in note and "replaced at" in note for note in result["notes"]), result
    assert result["summary"]["requests"] <= shop.requests() <= PLANNED


@pytest.mark.parametrize("victim", ["ticker", "qcluster", "manage.py"])
def test_a_portal_process_killed_during_a_replacement_doubles_and_loses_nothing(
    portal: PortalProcess, shop: ShopProcess, begin: Begin, victim: str
) -> None:
    run_id = begin("replace")
    agent_of(portal, run_id, 2).send_signal(signal.SIGKILL)
    portal.wait(run_id, lambda _: len(workers(portal, run_id)) > WORKERS, "the claim")
    for process in portal.children(victim):
        kill_hard(process)
    wait_replaced(portal, run_id, 2)
    portal.wait_end(run_id)
    check_replaced(portal.results(run_id), shop.requests())
    assert len(workers(portal, run_id)) == WORKERS + 1


def test_a_killed_artillery_worker_is_replaced(portal: PortalProcess, shop: ShopProcess, begin: Begin) -> None:
    run_id = begin("replace", "journey", "--backend", "fargate", "--rate", "3", "--duration", "60s", "--workers", "2")
    agent_of(portal, run_id, 1).send_signal(signal.SIGKILL)
    wait_replaced(portal, run_id, 1)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["summary"]["lost"]) == ("completed", [])
    assert any("Worker 1 was lost at 0:" in note and "replaced at" in note for note in result["notes"]), result
    assert 0 < result["summary"]["requests"] <= shop.requests()


def test_a_worker_that_is_taken_away_hands_over_without_a_hole_and_nothing_is_doubled(
    portal: PortalProcess, shop: ShopProcess, begin: Begin
) -> None:
    run_id = begin("replace")
    agent_of(portal, run_id, 2).send_signal(signal.SIGTERM)
    wait_replaced(portal, run_id, 2)
    portal.wait_end(run_id)
    result, asked = portal.results(run_id), shop.requests()
    summary = result["summary"]
    print(f"{PLANNED} requests were planned, {asked} made; other than {RATE} in the seconds {uneven_seconds(result)}")
    assert (result["end_reason"], result["verdict"], summary["lost"]) == ("completed", "passed", []), result
    assert summary["coverage"] == 1.0, "somebody measured every second"
    # k6 sometimes makes the arrival that falls on the very end of the load.
    assert summary["requests"] <= asked <= PLANNED + 1, "nothing is doubled"
    ended = [(row["slot"], row["epoch"], row["state"]) for row in result["workers"]]
    assert ended == [(0, 1, "done"), (1, 1, "done"), (2, 1, "done"), (2, 2, "done"), (3, 1, "done")]
    assert "Another went on at 0:" in result["workers"][2]["message"]


def uneven_seconds(result: dict[str, Any]) -> dict[int, float]:
    return {point["second"]: point["requests"] for point in result["timeline"] if point["requests"] != RATE}

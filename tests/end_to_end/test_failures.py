"""What must hold when things are killed: partial results, the right reason, nothing doubled, nothing left behind."""

from __future__ import annotations

import signal

import pytest

from tests.portal_process import PortalProcess, gone, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
LONG = ("--vus", "8", "--duration", "60s", "--workers", "4", "--param", "THINK_FACTOR=0.2")
SHORT = ("--vus", "8", "--duration", "12s", "--workers", "4", "--param", "THINK_FACTOR=0.2")


def test_stopping_in_the_middle_keeps_what_was_measured(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", *LONG)
    portal.wait_load(run_id)
    agents = portal.agents(run_id)
    engines = portal.engines_of(agents)
    assert len(agents) == len(engines) == 4
    assert portal.loadtest("stop", run_id).code == 0
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["end_reason"] == "stopped_by_user"
    assert result["verdict"] == "inconclusive"
    assert 0 < result["summary"]["requests"] <= shop.requests()
    assert gone(agents + engines)


def test_a_killed_worker_makes_the_run_inconclusive_and_is_named(portal: PortalProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "ec2", *SHORT)
    portal.wait_load(run_id)
    agents = portal.agents(run_id)
    victim = next(agent for agent in agents if agent.cmdline()[agent.cmdline().index("--slot") + 1] == "2")
    engine = victim.children()
    victim.send_signal(signal.SIGKILL)
    assert gone(engine), "k6 must die with its agent"
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "inconclusive"
    assert result["summary"]["lost"] == [2]
    assert 0.5 < result["summary"]["coverage"] < 1.0
    assert any("worker 2" in reason.lower() and "%" in reason for reason in result["reasons"]), result["reasons"]
    assert result["summary"]["requests"] > 0


@pytest.mark.chaos
def test_a_killed_queue_cluster_does_not_disturb_the_run(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", *SHORT)
    portal.wait_load(run_id)
    agents = {agent.pid for agent in portal.agents(run_id)}
    for process in portal.children("qcluster"):
        kill_hard(process)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "passed", result
    assert result["summary"]["requests"] == shop.requests()
    assert result["summary"]["workers"] == len(agents) == 4

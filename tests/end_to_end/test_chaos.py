"""The long failure tests (`make chaos`): the portal's own processes are killed and hung while runs go on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.portal_process import PortalProcess, gone, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
SHORT = ("--vus", "8", "--duration", "12s", "--workers", "4", "--param", "THINK_FACTOR=0.2")


def test_artillery_stopped_in_the_middle_loses_no_answer(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("journey", "--backend", "fargate", "--rate", "4", "--duration", "60s", "--workers", "2")
    portal.wait_load(run_id)
    assert portal.loadtest("stop", run_id).code == 0
    portal.wait_end(run_id)
    assert 0 < portal.results(run_id)["summary"]["requests"] <= shop.requests()


def test_a_killed_ticker_does_not_disturb_the_run(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", *SHORT)
    portal.wait_load(run_id)
    for process in portal.children("ticker"):
        kill_hard(process)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "passed", result
    assert result["summary"]["requests"] == shop.requests()


def test_a_killed_portal_goes_on_with_the_run_when_it_is_started_again(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", *SHORT)
    portal.wait_load(run_id)
    below = portal.children()
    assert portal.process is not None
    os.kill(portal.process.pid, signal.SIGKILL)
    portal.process.wait()
    assert gone(below), "nothing of the portal outlives it"
    assert portal.agents(run_id), "the workers do"
    portal.start()
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "passed", result
    assert result["summary"]["requests"] == shop.requests()


def test_a_hung_queue_cluster_is_replaced_and_the_next_run_goes_through(portal: PortalProcess, shop: ShopProcess) -> None:
    """An idle worker of django-q2 killed with the queue's lock hangs the cluster for ever; a stopped one looks the same."""
    for process in portal.children("qcluster"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    run_id = portal.begin("k6-smoke", "--backend", "lambda", "--vus", "2", "--duration", "3s")
    portal.wait_end(run_id)
    assert portal.results(run_id)["verdict"] == "passed"
    assert "shown no life" in portal.log()


def test_a_portal_killed_again_and_again_doubles_and_loses_nothing(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", "--vus", "8", "--duration", "30s", "--workers", "4")
    for _ in range(3):
        portal.wait(run_id, lambda status: status["state"] in ("running", "ended"), "the load")
        for process in portal.children("manage.py"):
            kill_hard(process)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "passed", result
    assert result["summary"]["requests"] == shop.requests()
    assert result["summary"]["workers"] == 4


def test_a_store_that_is_away_for_a_while_leaves_no_gap(portal: PortalProcess, shop: ShopProcess) -> None:
    run_id = portal.begin("k6-burst", "--backend", "lambda", "--vus", "8", "--duration", "80s", "--workers", "2")
    portal.wait_load(run_id)
    runs, away = portal.folder / "store" / "runs", portal.folder / "runs-away"
    away.write_text("a file where the folder was: every read and write fails")
    swap(runs, away)
    time.sleep(60)
    swap(runs, away)
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert result["verdict"] == "passed", result
    assert result["summary"]["coverage"] == 1.0
    assert result["summary"]["requests"] == shop.requests()
    assert all(point["requests"] is not None for point in result["timeline"])


def swap(one: Path, other: Path) -> None:
    """Exchanges two names at once (Linux), so that no writer can slip in between."""
    here, exchange = -100, 2
    if ctypes.CDLL(None, use_errno=True).renameat2(here, bytes(one), here, bytes(other), exchange) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")

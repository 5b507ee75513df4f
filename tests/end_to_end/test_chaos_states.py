"""Portal, queue and workers are killed (-9) in every state of a run: it comes to its right end, and once (`make chaos`)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.counted_runs import EACH, ORDER, USERS, assert_done_once, catch, runs_of
from tests.portal_process import PortalProcess, gone, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
LONG = ("--vus", str(USERS), "--duration", "90s")


def kill_portal(portal: PortalProcess) -> None:
    """All of it at once; then somebody starts it again."""
    below = portal.children()
    assert portal.process is not None
    os.kill(portal.process.pid, signal.SIGKILL)
    portal.process.wait()
    assert gone(below)
    portal.start()


def kill_queue(portal: PortalProcess) -> None:
    """The portal starts it again by itself."""
    while not (processes := portal.children("qcluster")):
        time.sleep(0.05)
    for process in processes:
        kill_hard(process)


@pytest.mark.parametrize("kill", [kill_portal, kill_queue])
def test_killed_in_every_state_each_run_is_done_once(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...], kill: Callable[[PortalProcess], None]
) -> None:
    runs: dict[str, str] = {}
    for state in ("planning", "launching", "ready", "running", "collecting"):
        with ThreadPoolExecutor(1) as caller:
            known = runs_of(portal)
            began = caller.submit(portal.begin, *counted)
            runs[state], seen = catch(portal, state, known)
            kill(portal)
            assert began.result() == runs[state]
        print(f"{kill.__name__} in {seen}, meant was {state}")
    for run_id in runs.values():
        portal.wait_end(run_id)
    for state, run_id in runs.items():
        assert_done_once(portal, run_id, state)
    assert shop.requests() == USERS * EACH * len(runs), "nothing lost, nothing twice"


@pytest.mark.parametrize("kill", [kill_portal, kill_queue])
def test_killed_while_it_stops_a_run_is_stopped(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...], kill: Callable[[PortalProcess], None]
) -> None:
    run_id = portal.begin(*counted, *LONG)
    portal.wait_load(run_id)
    with ThreadPoolExecutor(1) as caller:
        said = caller.submit(portal.loadtest, "stop", run_id)
        assert catch(portal, "stopping")[0] == run_id
        kill(portal)
        assert said.result().code == 0
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"]) == ("stopped_by_user", "inconclusive")
    assert 0 < result["summary"]["requests"] <= shop.requests()
    assert gone(portal.agents(run_id))


def test_workers_killed_before_the_load_end_the_launch_and_nothing_was_asked(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...]
) -> None:
    with ThreadPoolExecutor(1) as caller:
        known = runs_of(portal)
        began = caller.submit(portal.begin, *counted)
        run_id, state = catch(portal, "launching", known)
        while ORDER.index(state) < ORDER.index("stopping"):
            for agent in portal.agents(run_id):
                kill_hard(agent)
            state = catch(portal, "launching", known)[1]
        assert began.result() == run_id
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"], shop.requests()) == ("launch_failed", "inconclusive", 0), result["message"]
    assert gone(portal.agents(run_id))


def test_workers_killed_while_they_stop_leave_what_they_measured(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...]
) -> None:
    run_id = portal.begin(*counted, *LONG)
    portal.wait_load(run_id)
    agents = portal.agents(run_id)
    engines = portal.engines_of(agents)
    with ThreadPoolExecutor(1) as caller:
        said = caller.submit(portal.loadtest, "stop", run_id)
        assert catch(portal, "stopping")[0] == run_id
        for agent in agents:
            kill_hard(agent)
        assert said.result().code == 0
    portal.wait_end(run_id)
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"]) == ("stopped_by_user", "inconclusive")
    assert 0 < result["summary"]["requests"] <= shop.requests()
    assert gone(agents + engines)

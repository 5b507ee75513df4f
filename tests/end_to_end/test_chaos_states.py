"""Portal, queue and workers are killed (-9) in every state of a run: it comes to its right end, and once (`make chaos`)."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.portal_process import PATIENCE_SECONDS, PortalProcess, gone, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
ORDER = ("queued", "planning", "launching", "ready", "running", "stopping", "collecting", "ended")
USERS, EACH, WORKERS = 4, 30, 2
COUNTED = f"""
import http from 'k6/http';
import {{ sleep }} from 'k6';
export const options = {{ scenarios: {{ all: {{ executor: 'per-vu-iterations', vus: {USERS}, iterations: {EACH} }} }} }};
export default function () {{ http.get(`${{__ENV.TARGET_PRODUCT}}/products`, {{ tags: {{ name: 'list' }} }}); sleep(0.2); }}
"""
LONG = ("--vus", str(USERS), "--duration", "90s")
LAUNCH_LEASE_SECONDS = 90
"""For as long nobody else goes on with what a killed process was launching."""


@pytest.fixture
def counted(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> tuple[str, ...]:
    """The words that begin a run of 120 requests, no more and no less."""
    if "DATABASE_URL" in portal.environment:
        pytest.skip("reads the states in SQLite's file, hundreds of times a second")
    script = tmp_path / "counted.js"
    script.write_text(COUNTED)
    assert portal.loadtest("import", str(script), "--name", "counted", "--engine", "k6").code == 0
    return ("counted", "--backend", "lambda", "--workers", str(WORKERS))


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
        portal.wait(run_id, lambda status: status["state"] == "ended", "the end", LAUNCH_LEASE_SECONDS + PATIENCE_SECONDS)
    for state, run_id in runs.items():
        result = portal.results(run_id)
        assert (result["end_reason"], result["verdict"]) == ("completed", "passed"), (state, result)
        assert (result["summary"]["requests"], result["summary"]["coverage"]) == (USERS * EACH, 1.0), state
        assert [(row["slot"], row["epoch"], row["state"]) for row in result["workers"]] == [(0, 1, "done"), (1, 1, "done")], state
        assert gone(portal.agents(run_id)), state
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


def runs_of(portal: PortalProcess) -> frozenset[str]:
    with closing(sqlite3.connect(portal.folder / "portal.sqlite3", timeout=60)) as database:
        return frozenset(str(run_id) for (run_id,) in database.execute("SELECT id FROM portal_run"))


def catch(portal: PortalProcess, state: str, known: Collection[str] = ()) -> tuple[str, str]:
    """The newest run, which is none of `known`, and the first state it is seen in from `state` on: a short one may be over before
    anybody looks."""
    until = time.monotonic() + PATIENCE_SECONDS
    with closing(sqlite3.connect(portal.folder / "portal.sqlite3", timeout=60)) as database:
        while time.monotonic() < until:
            row = database.execute("SELECT id, state FROM portal_run ORDER BY created DESC LIMIT 1").fetchone()
            if row and row[0] not in known and ORDER.index(row[1]) >= ORDER.index(state):
                return str(row[0]), str(row[1])
            time.sleep(0.005)
    raise AssertionError(f"no run came to {state}: {portal.log()}")

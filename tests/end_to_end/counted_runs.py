"""Runs of 120 requests, no more and no less, and the states they are seen in."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from typing import Any  # Any: a row of the database.

from tests.portal_process import PATIENCE_SECONDS, PortalProcess, gone

ORDER = ("queued", "planning", "launching", "ready", "running", "stopping", "collecting", "ended")
USERS, EACH, WORKERS = 4, 30, 2
COUNTED = f"""
import http from 'k6/http';
import {{ sleep }} from 'k6';
export const options = {{ scenarios: {{ all: {{ executor: 'per-vu-iterations', vus: {USERS}, iterations: {EACH} }} }} }};
export default function () {{ http.get(`${{__ENV.TARGET_PRODUCT}}/products`, {{ tags: {{ name: 'list' }} }}); sleep(0.2); }}
"""


def assert_done_once(portal: PortalProcess, run_id: str, killed_in: str) -> None:
    result = portal.results(run_id)
    assert (result["end_reason"], result["verdict"]) == ("completed", "passed"), (killed_in, result)
    assert (result["summary"]["requests"], result["summary"]["coverage"]) == (USERS * EACH, 1.0), killed_in
    assert [(row["slot"], row["epoch"], row["state"]) for row in result["workers"]] == [(0, 1, "done"), (1, 1, "done")], killed_in
    assert gone(portal.agents(run_id)), killed_in


def opened(portal: PortalProcess, *, seconds: float = 60) -> closing[sqlite3.Connection]:
    """The portal's database; who keeps its lock is waited for so long."""
    return closing(sqlite3.connect(portal.folder / "portal.sqlite3", timeout=seconds))


def ask(portal: PortalProcess, question: str, *values: str) -> Any:
    with opened(portal) as database:
        return database.execute(question, values).fetchone()


def can_write(portal: PortalProcess) -> bool:
    """Whether nobody keeps SQLite's lock for seconds."""
    with opened(portal, seconds=3) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def runs_of(portal: PortalProcess) -> frozenset[str]:
    with opened(portal) as database:
        return frozenset(str(run_id) for (run_id,) in database.execute("SELECT id FROM portal_run"))


def catch(portal: PortalProcess, state: str, known: Collection[str] = ()) -> tuple[str, str]:
    """The newest run, which is none of `known`, and the first state it is seen in from `state` on: a short one may be over before
    anybody looks."""
    until = time.monotonic() + PATIENCE_SECONDS
    with opened(portal) as database:
        while time.monotonic() < until:
            row = database.execute("SELECT id, state FROM portal_run ORDER BY created DESC LIMIT 1").fetchone()
            if row and row[0] not in known and ORDER.index(row[1]) >= ORDER.index(state):
                return str(row[0]), str(row[1])
            time.sleep(0.005)
    raise AssertionError(f"no run came to {state}: {portal.log()}")

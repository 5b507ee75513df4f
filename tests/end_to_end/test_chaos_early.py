"""The queue is killed (-9) before a run's workers are all started, with the run's state certain (`make chaos`)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.end_to_end.counted_runs import EACH, USERS, ask, assert_done_once, can_write, catch, runs_of
from tests.portal_process import PATIENCE_SECONDS, PortalProcess, kill_hard
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
MOST_TRIES = 20
"""Some states are over before anybody can stop the queue in them."""


class FrozenQueue:
    """The queue's processes, stopped in the midst of their work; the portal's own too, which would replace a queue that hangs."""

    def __init__(self, portal: PortalProcess) -> None:
        """Of a queue that is up and has nothing to do."""
        assert portal.process is not None
        self._portal, self._supervisor = portal, psutil.Process(portal.process.pid)
        wait_for(lambda: portal.children("qcluster", "pusher"), portal)
        self.wait_taken()
        self._processes, self._pushers = portal.children("qcluster"), portal.children("qcluster", "pusher")

    def wait_taken(self) -> None:
        """Until every job is out of the table and in the queue's memory: each has its next delivery minutes ahead then."""
        question = "SELECT count(*) FROM django_q_ormq WHERE lock < datetime('now', '60 seconds')"
        wait_for(lambda: ask(self._portal, question) == (0,), self._portal)

    @contextlib.contextmanager
    def frozen(self, *, but_pusher: bool = False) -> Iterator[None]:
        stopped = [process for process in self._processes if not (but_pusher and process in self._pushers)]
        for process in (*stopped, self._supervisor):
            process.suspend()
        try:
            yield
        finally:
            for process in (*stopped, self._supervisor):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextlib.contextmanager
    def frozen_at_rest(self, *, but_pusher: bool) -> Iterator[None]:
        """At a moment in which none of them holds the database's lock: nobody could ask for a run then."""
        for _ in range(MOST_TRIES):
            with self.frozen(but_pusher=but_pusher):
                if can_write(self._portal):
                    yield
                    return
        raise AssertionError("the database is always locked")

    def kill(self) -> None:
        """The portal starts it again by itself."""
        for process in self._processes:
            kill_hard(process)


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_queue_killed_before_it_begins_a_run_leaves_it_to_the_next(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...], is_taken: bool
) -> None:
    """Its job lies in the table, or in the memory of the queue that dies: that one comes again after minutes only."""
    queue = FrozenQueue(portal)
    with queue.frozen_at_rest(but_pusher=is_taken):
        run_id = portal.begin(*counted)
        if is_taken:
            queue.wait_taken()
        state = ask(portal, "SELECT state FROM portal_run WHERE id = ?", run_id)
        queue.kill()
    assert state == ("queued",)
    portal.wait_end(run_id)
    assert_done_once(portal, run_id, "queued")
    assert shop.requests() == USERS * EACH, "nothing lost, nothing twice"


@pytest.mark.parametrize(("state", "has_worker"), [("planning", False), ("launching", False), ("launching", True)])
def test_what_a_dead_queue_was_launching_is_taken_up_before_its_lease_runs_out(
    portal: PortalProcess, shop: ShopProcess, counted: tuple[str, ...], state: str, has_worker: bool
) -> None:
    runs: list[str] = []
    is_held = False
    while not is_held and len(runs) < MOST_TRIES:
        queue, known = FrozenQueue(portal), runs_of(portal)
        with ThreadPoolExecutor(1) as caller:
            began = caller.submit(portal.begin, *counted)
            runs.append(catch(portal, state, known)[0])
            if has_worker:
                wait_for((portal.folder / "workers" / runs[-1] / "agent-0-1.log").exists, portal, pause=0.001)
            with queue.frozen():
                found, owner = ask(portal, "SELECT state, lease_owner FROM portal_run WHERE id = ?", runs[-1])
                if is_held := found == state and owner.startswith("launch:"):
                    queue.kill()
            assert began.result() == runs[-1]
        portal.wait_end(runs[-1])
        assert_done_once(portal, runs[-1], state)
    assert is_held, f"never caught in {state}"
    assert f"lease_given_up run_id={runs[-1]}" in (portal.folder / "portal.log").read_text()
    assert shop.requests() == USERS * EACH * len(runs), "nothing lost, nothing twice"


def wait_for(is_so: Callable[[], object], portal: PortalProcess, *, pause: float = 0.05) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, portal.log()
        time.sleep(pause)

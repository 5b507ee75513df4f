"""An elastic run with real workers of a pool and real engines: one holds all slots, another joins, and half of them go there."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from portal.core.load import OpenLoad
from portal.core.loss import OnWorkerLoss
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.run_state import RunState
from portal.core.script import ScriptSource
from portal.core.verdict import Outcome
from portal.models import RunEvent, Worker
from portal.stores.filesystem import FilesystemStore
from portal.stores.pool import PoolStore
from portal.stores.run_store import RunStore
from portal.usecases.judge_run import judge_run
from portal.usecases.watch_run import Watches, watch_run
from portal.wiring import Parts, SystemClock
from tests.agent.test_life import ARTILLERY
from tests.backends.places import PLACE, FargateWorld
from tests.builders import a_run
from tests.engines.conftest import CountingServer
from tests.runners.prepared import GROUP, Prepared, ended
from tests.usecases.parts import Scene

pytestmark = [pytest.mark.chaos, pytest.mark.engines, pytest.mark.django_db, pytest.mark.timeout(240)]
K6 = ScriptSource("k6", "main.js", """
import http from 'k6/http';
export default function () { http.get(`${__ENV.TARGET_SHOP}/page`); }
""")  # fmt: skip
SLOTS, CLOSENESS = 4, 0.02
POOL = f"runner_images.pool --group {GROUP} --slots {SLOTS}"


class Watched:
    """The run in the portal's books, looked at by the very step the ticker takes."""

    def __init__(self, lives: Prepared) -> None:
        self.lives = lives
        objects = FilesystemStore(lives.store_folder)
        world = FargateWorld()
        world.place = replace(PLACE, endpoint_url="http://127.0.0.1:9")  # This machine: each slot counts on one core.
        world.clock, world.pool = SystemClock(), PoolStore(objects, GROUP)  # type: ignore[assignment]  # The real clock.
        self.backend = world.backend()
        self.parts: Parts = replace(
            Scene().parts, clock=SystemClock(), store=lambda run_id: RunStore(objects, run_id),
            backend=lambda place, name: self.backend,
        )  # fmt: skip
        self.run = a_run(id="run1", plan=lives.plan, state=RunState.LAUNCHING, state_since=datetime.now(UTC))
        for handle in self.backend.launch(lives.plan, tuple(range(SLOTS)), 1):
            Worker.objects.create(run=self.run, slot=handle.slot, epoch=1, reference=handle.reference)
        self.watches = Watches()

    def until(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        patience = time.monotonic() + seconds
        while not is_so():
            watch_run("run1", self.parts, self.watches)
            self.run.refresh_from_db()
            assert time.monotonic() < patience, f"no {what}: {self.run.state} {self.rows()}\n{self.lives.logs()}"
            assert self.run.state not in (RunState.STOPPING,), f"{self.run.message}\n{self.lives.logs()}"
            time.sleep(0.25)

    def join(self, worker: str) -> None:
        lives = self.lives
        tools = {"NODE_BIN": lives.tools.node, "ARTILLERY_BIN": lives.tools.artillery}
        lives.begin(POOL, lives.membership() | tools | {"KNOPFDRUCK_WORKER": worker}, name=worker)

    def rows(self) -> list[tuple[int, int, str, str]]:
        return [(row.slot, row.epoch, str(row.relief), str(row.state)) for row in Worker.objects.filter(run=self.run)]

    def held_by(self, worker: str) -> set[tuple[int, int]]:
        found = (presence for presence in self.lives.pool.presences() if presence.worker == worker)
        return {(held.slot, held.epoch) for presence in found for held in presence.holds}

    def agents(self) -> dict[int, float]:
        """The processes of the slots' first workers that live, each by the moment it began."""
        leases = {slot: self.lives.store.lease(slot, 1) for slot in range(SLOTS)}
        pids = {slot: int(lease.holder.rpartition(":")[2]) for slot, lease in leases.items() if lease}
        return {slot: psutil.Process(pid).create_time() for slot, pid in pids.items() if psutil.pid_exists(pid)}


Begin = Callable[[ScriptSource, int, int], Watched]


@pytest.fixture
def first(tmp_path: Path, k6: EngineTools, artillery: EngineTools, target: CountingServer) -> Iterator[Begin]:
    """A run of four slots, all under load in one worker of the pool; whatever a failed test leaves is ended."""
    made: list[Prepared] = []
    tools = replace(artillery, k6=k6.k6)

    def one(script: ScriptSource, rate: int, seconds: int) -> Watched:
        load = OpenLoad.constant(Fraction(rate), timedelta(seconds=seconds), max_vus=8)
        policy = OnWorkerLoss.REPLACE
        lives = Prepared.of(tmp_path, tools, target, load=load, script=script, workers=SLOTS, pool=1, on_worker_loss=policy)
        made.append(lives)
        watched = Watched(lives)
        watched.join("first")
        watched.until(lambda: [row[3] for row in watched.rows()] == ["running"] * SLOTS, 90, "load")
        assert watched.held_by("first") == {(slot, 1) for slot in range(SLOTS)}
        return watched

    yield one
    for lives in made:
        lives.close()


@pytest.mark.parametrize(
    ("script", "rate", "seconds", "requests"), [(K6, 40, 90, 1), (ARTILLERY, 12, 120, 2)], ids=["k6", "artillery"]
)
def test_slots_move_to_a_worker_that_joins_and_the_total_stays(
    first: Begin, target: CountingServer, script: ScriptSource, rate: int, seconds: int, requests: int
) -> None:
    """`requests` of each arrival."""
    watched = first(script, rate, seconds)
    agents = watched.agents()
    watched.join("second")
    watched.until(lambda: len(watched.held_by("first")) == len(watched.held_by("second")) == SLOTS // 2, 80, "balance")
    moved = watched.held_by("second")
    stayed = watched.held_by("first")
    assert {epoch for _, epoch in moved} == {2}
    assert stayed == {(slot, 1) for slot in range(SLOTS) if (slot, 2) not in moved}
    assert watched.agents().items() >= {slot: agents[slot] for slot, _ in stayed}.items(), "the very same processes"
    watched.until(lambda: watched.run.state == RunState.COLLECTING, seconds + 60, "end")

    ends = {place: done.reason for place, done in watched.lives.store.dones().items()}
    assert ends == {
        **{(slot, 1): DoneReason.COMPLETED for slot, _ in stayed}, **{(slot, 1): DoneReason.RELIEVED for slot, _ in moved},
        **{(slot, 2): DoneReason.COMPLETED for slot, _ in moved},
    }  # fmt: skip
    told = [
        text for text in RunEvent.objects.values_list("text", flat=True) if "moves from worker first to worker second" in text
    ]
    assert len(told) == SLOTS // 2
    check_total(watched, target, rate * seconds * requests)


def test_a_worker_that_is_told_to_end_hands_all_its_slots_over(first: Begin, target: CountingServer) -> None:
    rate, seconds = 40, 60
    watched = first(K6, rate, seconds)
    watched.join("second")
    watched.until(lambda: any(one.worker == "second" for one in watched.lives.pool.presences()), 20, "another")
    leaving = watched.lives.processes[0]
    leaving.send_signal(signal.SIGTERM)
    watched.until(lambda: {slot for slot, _ in watched.held_by("second")} == set(range(SLOTS)), 40, "all slots there")
    watched.until(lambda: leaving.poll() is not None, 60, "its end")
    assert leaving.returncode == 0
    watched.until(lambda: watched.run.state == RunState.COLLECTING, seconds + 60, "end")
    check_total(watched, target, rate * seconds)


def test_a_worker_that_dies_has_all_its_slots_made_by_another(first: Begin, target: CountingServer) -> None:
    rate, seconds = 40, 60
    watched = first(K6, rate, seconds)
    watched.join("second")
    watched.until(lambda: any(one.worker == "second" for one in watched.lives.pool.presences()), 20, "another")
    assert ended(watched.lives.processes[0], signal.SIGKILL) == -signal.SIGKILL
    watched.until(lambda: {slot for slot, _ in watched.held_by("second")} == set(range(SLOTS)), 45, "all slots there")
    watched.until(lambda: watched.run.state == RunState.COLLECTING, seconds + 60, "end")
    judged = judge_run(watched.run, watched.lives.store)
    assert judged.summary.lost == (), "as many as a worker holds may be replaced at once"
    assert target.count <= rate * seconds, "nothing is made twice"
    assert judged.summary.requests <= target.count


def check_total(watched: Watched, target: CountingServer, planned: int) -> None:
    """By the target's own count, and by what was measured."""
    judged = judge_run(watched.run, watched.lives.store)
    assert abs(target.count - planned) <= CLOSENESS * planned, (target.count, planned)
    assert abs(judged.summary.requests - target.count) <= CLOSENESS * planned, (judged.summary.requests, target.count)
    assert (judged.verdict.outcome, judged.summary.lost) == (Outcome.PASSED, ()), judged
    assert judged.summary.coverage > 0.99

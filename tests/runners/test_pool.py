"""The waiting worker: who takes which call, what a warning does, and what its store is told, with an agent that only waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.stores.memory import MemoryStore
from portal.stores.pool import Call, Claim, PoolStore, PresenceState
from runner_images.child import Agent, Assignment
from runner_images.pool import worker as pool_worker
from runner_images.pool.metadata import NoMetadata
from runner_images.pool.settings import PoolSettings
from runner_images.pool.worker import PoolWorker, wanted
from tests.fakes import FailingStore, wait_until

NOW = time.time()


def call(run: str = "run1", slot: int = 0, epoch: int = 1, expires: float = 600) -> Call:
    return Call(run, slot, epoch, 1, 1, NOW, NOW + expires)


class Waiting(Agent):
    """An agent that works until it is told to end."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.code = assignment, threading.Event()
        self.was_drained = self.takes_its_time = False

    def exit_code(self) -> int | None:
        return 0 if self.code.is_set() else None

    def wait(self, seconds: float) -> int | None:
        return 0 if self.code.wait(seconds) else None

    def drain(self, *, at_once: bool = False) -> None:
        self.was_drained = True
        if not self.takes_its_time:
            self.code.set()

    def kill(self) -> None:
        self.code.set()

    def new_lines(self) -> Iterator[str]:
        yield from ()


class Somewhere:
    az = "eu-central-1a"

    def __init__(self, worker: str = "i-1") -> None:
        self.worker = worker
        self.threat, self.may_leave, self.left = "", True, 0
        self.protected: list[bool] = []
        self.told: list[str] = []
        self.refuses = False

    def warning(self) -> str:
        return self.threat

    def protect(self, on: bool) -> None:
        if self.refuses:
            raise NoMetadata("no")
        self.protected.append(on)

    def leave(self) -> bool:
        self.left += 1
        return self.may_leave

    def greet(self) -> None:
        self.told.append("greet")

    def part(self) -> None:
        self.told.append("part")
        raise NoMetadata("no")


class Group:
    """Waiting workers in threads, over one store in memory."""

    def __init__(self) -> None:
        self.objects = FailingStore(MemoryStore())
        self.pool = PoolStore(self.objects, "g")
        self.agents: list[Waiting] = []
        self.threads: list[threading.Thread] = []
        self.places: list[Somewhere] = []

    def join(self, place: Somewhere, idle_minutes: float = 0, slots: int = 1) -> None:
        worker = PoolWorker(PoolSettings("memory:", "g", idle_minutes, slots), self.pool, place, self.start)
        thread = threading.Thread(target=worker.live, daemon=True)
        self.places.append(place)
        self.threads.append(thread)
        thread.start()

    def start(self, assignment: Assignment) -> Agent:
        self.agents.append(Waiting(assignment))
        return self.agents[-1]

    def states(self) -> dict[str, PresenceState]:
        return {presence.worker: presence.state for presence in self.pool.presences()}

    def close(self) -> None:
        for place in self.places:
            place.threat = "The test is over."
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    for name in ("PRESENCE_SECONDS", "LOOK_SECONDS", "TICK", "HOLD_BACK"):
        monkeypatch.setattr(pool_worker, name, 0.02)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # For main threads only.
    made = Group()
    yield made
    made.close()


def test_each_call_is_taken_by_one_worker_and_each_worker_takes_one_call(group: Group) -> None:
    for number in range(3):
        group.join(Somewhere(f"i-{number}"))
    wait_until(lambda: set(group.states().values()) == {PresenceState.IDLE} and len(group.states()) == 3, "three idle workers")
    group.pool.call([call(slot=0), call(slot=1)])
    wait_until(lambda: len(group.agents) == 2, "two agents")
    assert {agent.assignment.slot for agent in group.agents} == {0, 1}
    wait_until(lambda: sorted(group.states().values()) == ["idle", "working", "working"], "their presence")
    claims = group.pool.claims("run1")
    busy = {presence.worker: presence for presence in group.pool.presences() if presence.state is PresenceState.WORKING}
    assert {claim.worker for claim in claims.values()} == set(busy)
    assert {(presence.run, presence.slot, presence.epoch) for presence in busy.values()} == {("run1", 0, 1), ("run1", 1, 1)}
    assert {claim.az for claim in claims.values()} == {"eu-central-1a"}


def test_after_its_work_it_is_idle_unprotected_and_takes_the_next_call(group: Group) -> None:
    place = Somewhere()
    group.join(place)
    group.pool.call([call()])
    wait_until(lambda: place.protected == [True], "protection")
    group.agents[0].code.set()
    wait_until(lambda: place.protected == [True, False], "no protection")
    assert group.states() == {"i-1": PresenceState.IDLE}
    group.pool.call([call(run="run2")])
    wait_until(lambda: len(group.agents) == 2, "the next")


def test_a_warning_drains_its_agent_and_it_claims_no_more(group: Group) -> None:
    threatened = Somewhere()
    group.join(threatened)
    group.pool.call([call()])
    wait_until(lambda: group.agents, "work")
    agent = group.agents[0]
    agent.takes_its_time = True
    threatened.threat = "EC2 takes it back."
    wait_until(lambda: group.states().get("i-1") is PresenceState.DRAINING, "its presence")
    group.pool.call([call(slot=1)])
    wait_until(lambda: agent.was_drained, "drained")
    group.join(Somewhere("i-2"))
    wait_until(lambda: len(group.agents) == 2, "another takes the next call")
    assert group.pool.claims("run1")[1, 1].worker == "i-2"
    agent.code.set()
    group.threads[0].join(30)
    assert "i-1" not in group.states()
    assert threatened.protected == [True, False]
    assert threatened.told == ["greet", "part"]


def test_an_idle_worker_gives_its_machine_up_when_it_may(group: Group) -> None:
    must_stay, may_go = Somewhere("i-1"), Somewhere("i-2")
    must_stay.may_leave = False
    group.join(must_stay, idle_minutes=0.001)
    group.join(may_go, idle_minutes=0.001)
    group.threads[1].join(30)
    wait_until(lambda: must_stay.left > 1, "asked again")
    assert may_go.left == 1
    assert group.threads[0].is_alive()


def test_a_store_that_is_away_ends_nothing(group: Group) -> None:
    group.join(Somewhere())
    wait_until(lambda: group.states(), "presence")
    group.objects.fails = True
    wait_until(lambda: group.objects.failures > 3, "failures")
    group.objects.fails = False
    group.pool.call([call()])
    wait_until(lambda: group.agents, "work")


def test_where_protection_fails_the_work_goes_on(group: Group, capfd: pytest.CaptureFixture[str]) -> None:
    place = Somewhere()
    place.refuses = True
    group.join(place)
    group.pool.call([call()])
    wait_until(lambda: group.states().get("i-1") is PresenceState.WORKING, "work")
    wait_until(lambda: "protection_failed" in capfd.readouterr().out, "a line")


def test_replacements_come_first_and_the_expired_and_superseded_never() -> None:
    calls = [call(slot=0), call(slot=1), call(slot=1, epoch=2), call(slot=2, expires=-1), call(run="run2", slot=1)]
    found = wanted(calls, NOW)
    assert found[0] == call(slot=1, epoch=2)
    assert sorted((each.run, each.slot) for each in found[1:]) == [("run1", 0), ("run2", 1)]


def test_workers_do_not_all_reach_for_the_same_call() -> None:
    calls = [call(slot=slot) for slot in range(50)]
    assert len({wanted(calls, NOW)[0].slot for _ in range(40)}) > 5


def test_a_claim_that_is_taken_leaves_the_next(group: Group, tmp_path: Path) -> None:
    group.pool.call([call(slot=0), call(slot=1)])
    group.pool.claim(call(slot=0), Claim("i-9", "", NOW))
    group.join(Somewhere())
    wait_until(lambda: group.agents, "work")
    assert group.agents[0].assignment.slot == 1

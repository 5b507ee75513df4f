"""A waiting worker that holds several slots at once, an agent for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.stores.pool import Held, Presence, PresenceState
from runner_images.pool.hands import memory_of
from runner_images.pool.settings import read_settings
from runner_images.pool.worker import HOLD_BACK, wanted
from tests.fakes import wait_until
from tests.runners.test_pool import NOW, Group, Somewhere, call, group

__all__ = ["group"]


def told(group: Group, worker: str = "i-1") -> Presence:
    return next(presence for presence in group.pool.presences() if presence.worker == worker)


def test_it_takes_as_many_as_it_may_hold_and_says_which(group: Group) -> None:
    group.join(Somewhere(), slots=3)
    group.pool.call([call(slot=slot) for slot in range(4)])
    wait_until(lambda: len(told(group).holds) == 3, "three slots")
    found = told(group)
    assert (found.state, found.most) == (PresenceState.WORKING, 3)
    assert set(found.holds) == {Held("run1", agent.assignment.slot, 1) for agent in group.agents}
    assert len(group.pool.open_calls()) == 1
    group.agents[0].code.set()
    wait_until(lambda: len(group.agents) == 4, "the last one, once there is room")
    wait_until(lambda: len(told(group).holds) == 3, "its word")


def test_it_is_protected_as_long_as_it_holds_any(group: Group) -> None:
    place = Somewhere()
    group.join(place, slots=2)
    group.pool.call([call(slot=0), call(slot=1)])
    wait_until(lambda: len(group.agents) == 2, "two agents")
    group.agents[0].code.set()
    wait_until(lambda: len(told(group).holds) == 1, "one is over")
    assert place.protected == [True]
    group.agents[1].code.set()
    wait_until(lambda: place.protected == [True, False], "no protection")
    assert (told(group).state, told(group).holds) == (PresenceState.IDLE, ())


def test_a_warning_drains_all_its_agents(group: Group) -> None:
    place = Somewhere()
    group.join(place, slots=4)
    group.pool.call([call(slot=slot) for slot in range(3)])
    wait_until(lambda: len(group.agents) == 3, "three agents")
    for agent in group.agents:
        agent.takes_its_time = True
    place.threat = "It is taken back."
    wait_until(lambda: all(agent.was_drained for agent in group.agents), "all are told")
    wait_until(lambda: told(group).state is PresenceState.DRAINING, "its word")
    assert len(told(group).holds) == 3
    group.agents[1].code.set()
    wait_until(lambda: len(told(group).holds) == 2, "one has ended")
    group.agents[0].code.set()
    group.agents[2].code.set()
    group.threads[0].join(30)
    assert group.pool.presences() == ()


def test_a_call_by_name_is_for_that_worker_only_and_taken_at_once() -> None:
    named = replace(call(slot=0, epoch=2), worker="i-2")
    assert wanted([named], NOW, worker="i-1") == []
    assert wanted([named], NOW, worker="i-2", held=3) == [named]


def test_who_holds_slots_leaves_a_call_to_those_that_hold_fewer_for_a_while() -> None:
    made = call()
    assert wanted([made], NOW) == [made]
    assert wanted([made], NOW + HOLD_BACK * 0.9, held=1) == []
    assert wanted([made], NOW + HOLD_BACK * 1.1, held=1) == [made]
    assert wanted([made], NOW + HOLD_BACK * 1.1, held=2) == []


def test_two_workers_share_what_is_called_for(group: Group) -> None:
    for worker in ("i-1", "i-2"):
        group.join(Somewhere(worker), slots=4)
    wait_until(lambda: len(group.states()) == 2, "both")
    group.pool.call([call(slot=slot) for slot in range(8)])
    wait_until(lambda: len(group.agents) == 8, "all taken")
    wait_until(lambda: [len(told(group, worker).holds) for worker in ("i-1", "i-2")] == [4, 4], "four each")


def test_a_slot_of_several_gets_its_part_of_the_memory() -> None:
    assert memory_of(call(), 4) == 1, "as the call says"
    bare = replace(call(), memory=0)
    assert memory_of(bare, 1) == 0, "its agent finds out itself"
    assert 0 < memory_of(bare, 8) < memory_of(bare, 2)


def test_how_many_it_may_hold_comes_from_its_environment(capsys: pytest.CaptureFixture[str]) -> None:
    env = {"KNOPFDRUCK_STORE": "memory:", "KNOPFDRUCK_GROUP": "g"}
    assert read_settings([], env).slots == 1
    assert read_settings([], env | {"KNOPFDRUCK_POOL_SLOTS": "4"}).slots == 4
    with pytest.raises(SystemExit):
        read_settings(["--slots", "0"], env)
    assert "use 1 to 64" in capsys.readouterr().err

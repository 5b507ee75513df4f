from __future__ import annotations

import pytest

from portal.core.run_state import ALIVE, TRANSITIONS, WATCHED, RunState, may_move


def reachable(state: RunState) -> set[RunState]:
    found, left = set[RunState](), [state]
    while left:
        for following in TRANSITIONS[left.pop()] - found:
            found.add(following)
            left.append(following)
    return found


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(RunState)


@pytest.mark.parametrize("state", sorted(ALIVE))
def test_every_living_run_can_end_and_never_comes_back(state: RunState) -> None:
    assert RunState.ENDED in reachable(state)
    assert state not in reachable(state)


def test_an_ended_run_stays_ended() -> None:
    assert not any(may_move(RunState.ENDED, state) for state in RunState)


@pytest.mark.parametrize("state", sorted(RunState))
def test_a_run_ends_only_after_its_results_were_collected(state: RunState) -> None:
    assert may_move(state, RunState.ENDED) == (state is RunState.COLLECTING)


@pytest.mark.parametrize("state", sorted(WATCHED - {RunState.STOPPING}))
def test_a_run_that_may_have_workers_can_be_stopped(state: RunState) -> None:
    assert may_move(state, RunState.STOPPING)

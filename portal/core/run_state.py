"""The life of a run as one table. State, end reason and verdict are three separate facts."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    LAUNCHING = "launching"
    READY = "ready"
    RUNNING = "running"
    STOPPING = "stopping"
    COLLECTING = "collecting"
    ENDED = "ended"


class EndReason(StrEnum):
    COMPLETED = "completed"
    STOPPED_BY_USER = "stopped_by_user"
    THRESHOLD_ABORT = "threshold_abort"
    BUDGET_ABORT = "budget_abort"
    WORKERS_LOST = "workers_lost"
    LAUNCH_FAILED = "launch_failed"
    REJECTED = "rejected"
    DEADLINE = "deadline"
    SCRIPT_ERROR = "script_error"


ALIVE = frozenset(RunState) - {RunState.ENDED}
WATCHED = frozenset({RunState.LAUNCHING, RunState.READY, RunState.RUNNING, RunState.STOPPING})
"""States in which workers may exist and the ticker looks once a second."""

TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.PLANNING, RunState.COLLECTING}),
    RunState.PLANNING: frozenset({RunState.AWAITING_APPROVAL, RunState.LAUNCHING, RunState.COLLECTING}),
    RunState.AWAITING_APPROVAL: frozenset({RunState.LAUNCHING, RunState.COLLECTING}),
    RunState.LAUNCHING: frozenset({RunState.READY, RunState.STOPPING, RunState.COLLECTING}),
    RunState.READY: frozenset({RunState.RUNNING, RunState.STOPPING, RunState.COLLECTING}),
    RunState.RUNNING: frozenset({RunState.STOPPING, RunState.COLLECTING}),
    RunState.STOPPING: frozenset({RunState.COLLECTING}),
    RunState.COLLECTING: frozenset({RunState.ENDED}),
    RunState.ENDED: frozenset(),
}


def may_move(old: RunState, new: RunState) -> bool:
    return new in TRANSITIONS[old]

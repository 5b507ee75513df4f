"""The agent's exit codes. They are for people reading logs; the portal reads `done` records."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    BAD_ARGUMENTS = 2
    LEASE_TAKEN = 10
    """Another worker holds this slot and epoch; this one did nothing."""
    NO_ASSIGNMENT = 11
    STORE_FAILED = 12
    """What was measured could not be written; the slot will count as lost."""
    RUN_OVER = 13
    """The run has its results already; this worker comes too late."""

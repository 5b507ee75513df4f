"""The interfaces of places beyond this machine: machines with names, capacity that runs share, people who want to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from portal.core.elastic import Member
from portal.core.errors import LaunchFailed
from portal.core.failed_call import FailedCall
from portal.core.plan import LoadPlan
from portal.core.ports import WorkerHandle
from portal.core.worker_logs import LogLine, LogPlace, Span


@runtime_checkable
class KnowsPlaces(Protocol):
    """A backend whose workers are machines with names, in zones."""

    def places(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, str]:
        """By slot, as far as it is known: `i-0abc in eu-central-1a`."""


@runtime_checkable
class Elastic(Protocol):
    """A backend whose workers wait in a pool and hold several slots each."""

    def crew(self, run_id: str) -> tuple[Member, ...]:
        """The pool's workers as this run sees them; asked of the store every few seconds at most."""

    def call_over(self, plan: LoadPlan, slot: int, epoch: int, worker: str) -> WorkerHandle:
        """Asks `worker` (empty: whoever has room) to go on with a slot that another one makes until then."""

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None: ...


@runtime_checkable
class Sweeps(Protocol):
    """A backend that can find machines by itself, whatever became of those who started them."""

    def sweep(self, is_over: Callable[[str], bool]) -> tuple[str, ...]:
        """Ends what still works for runs of which `is_over` says so, and what has been free for long. What was left over."""


@runtime_checkable
class HearsOfFailures(Protocol):
    """A backend whose platform tells of workers that it gave up."""

    def failures(self, note: Callable[[FailedCall], bool]) -> None:
        """What came in since this was asked last, asked every few seconds at most. `note`, which may be called again for the
        same, says whether the platform may forget it."""


class Announcer(Protocol):
    """Tells an environment's people and their dashboards. Raises PortalError."""

    def say(self, subject: str, message: str, attributes: Mapping[str, str]) -> None: ...

    def measure(self, values: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str]) -> None:
        """Value and unit (Count, Milliseconds, Percent) by name."""


class Logs(Protocol):
    """Reads what workers printed in a place. Raises NotFound where there is no such group or stream, and PortalError."""

    def tail(self, at: LogPlace, span: Span, *, most: int) -> tuple[LogLine, ...]:
        """The newest lines of a stream."""

    def about(self, group: str, word: str, span: Span) -> tuple[LogLine, ...]:
        """The lines of a group in which the word stands."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about an environment's place, and what came of it."""

    what: str
    is_fine: bool
    words: str


class PartlyLaunched(LaunchFailed):
    """Some of the workers could not be started; `started` are those that run."""

    def __init__(self, message: str, *, started: tuple[WorkerHandle, ...], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.started = started


class CapacityLedger(Protocol):
    """How many machines of a group all runs together hold, whichever process asked for them."""

    def hold(self, group: str, run_id: str, workers: int) -> None:
        """Repeating it changes nothing."""

    def release(self, group: str, run_id: str) -> None: ...

    def held(self, group: str) -> int:
        """By all runs together."""

    def holders(self, group: str) -> tuple[str, ...]:
        """The runs that hold any."""

    def free_since(self, group: str) -> float | None:
        """When the last hold ended; None while there is one, or when there never was."""

    def alone(self, group: str) -> AbstractContextManager[bool]:
        """Whether this process is the one that changes the group's size now."""

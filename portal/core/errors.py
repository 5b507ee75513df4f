"""The tree of errors: one class per decision a caller can make, data in fields, text for people.

`permanent` says whether trying again later can help. The user's fault (RequestRejected, ScriptInvalid,
PlanRejected) stands apart from ours (LaunchFailed, StoreUnavailable, EngineMissing).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what a user asked for: where, what, and how to put it right."""

    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.field}: {self.message}", self.hint) if part)


class PortalError(Exception):
    """Root of all errors this project raises on purpose."""

    code: ClassVar[str] = "error"
    permanent: ClassVar[bool] = True

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RequestRejected(PortalError):
    """What the user asked for cannot be done as asked; nothing was started. Carries every problem found."""

    code = "invalid_request"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    @classmethod
    def because(cls, field: str, message: str, hint: str = "") -> RequestRejected:
        return cls((Problem(field, message, hint),))


class ScriptInvalid(RequestRejected):
    """The engine, or our own check, does not accept the script."""

    code = "invalid_script"


class PlanRejected(RequestRejected):
    """The request is well formed, but this backend or environment does not allow it."""

    code = "plan_rejected"


class NotFound(PortalError):
    """There is no such scenario, environment, run or object."""

    code = "not_found"


class Forbidden(PortalError):
    """The caller may see the thing, but not do this with it."""

    code = "forbidden"


class Conflict(PortalError):
    """The state of the thing does not allow this now (another request with the same key, a run that has ended)."""

    code = "conflict"


class LaunchFailed(PortalError):
    """Workers could not be started."""

    code = "launch_failed"


class EngineMissing(PortalError):
    """k6, Artillery or Node is not installed where it should run."""

    code = "engine_missing"


class EngineOutputBroken(PortalError):
    """An engine sent something that does not follow its own protocol; the piece is dropped and counted."""

    code = "engine_output"


class StoreUnavailable(PortalError):
    """The run store cannot be read or written now; trying again may help."""

    code = "store_unavailable"
    permanent = False


class StoreFull(StoreUnavailable):
    """The run store has no room left."""

    code = "store_full"


class WireInvalid(PortalError):
    """Stored or received data does not follow our own wire format."""

    code = "wire_invalid"

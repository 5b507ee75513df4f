"""What deploying a stack works with: the tree as it shall be, and the doors to where it shall stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portal.aws.buckets import BucketDoor
from portal.aws.cloudformation import CloudFormationDoor, StackEvent
from portal.aws.draining import DrainDoor
from portal.core.errors import PortalError
from portal.core.ports import Clock

STACK_PREFIX = "knopfdruck-"
MANAGED_TAG, ENVIRONMENT_TAG = "knopfdruck:managed", "knopfdruck:env"
Tell = Callable[[StackEvent], None]


class StackFailed(PortalError):
    """A stack did not become what it should. `resource` failed first, for AWS's `reason`."""

    code = "stack_failed"

    def __init__(self, message: str, *, hint: str = "", resource: str = "", reason: str = "", status: str = "") -> None:
        super().__init__(message, hint=hint)
        self.resource, self.reason, self.status = resource, reason, status


class StackBusy(PortalError):
    """Somebody else changes the stack now."""

    code = "stack_busy"
    permanent = False


@dataclass(frozen=True, slots=True)
class StackTree:
    """All stacks of one environment. `files` are what lies in the artefact bucket, by key; keys hold a digest of the content."""

    environment: str
    root: str
    """The key of the main template in `files`."""
    files: Mapping[str, bytes | Path]
    parameters: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    """Parameters whose values only CloudFormation knows; they stay as they are."""
    is_protected: bool = False
    alarms: tuple[str, ...] = ()
    """ARNs; one that rings within the minutes after a change takes the change back."""

    @property
    def name(self) -> str:
        return STACK_PREFIX + self.environment

    @property
    def tags(self) -> dict[str, str]:
        return {ENVIRONMENT_TAG: self.environment, MANAGED_TAG: "true"}


@dataclass(frozen=True, slots=True)
class StackCloud:
    """One account and region, or an emulator."""

    account: str
    region: str
    stacks: CloudFormationDoor
    buckets: BucketDoor
    drain: DrainDoor
    clock: Clock
    look_every: float = 2.0

    @property
    def artefacts(self) -> str:
        """The bucket for templates and packages: one for each account and region, shared by its environments."""
        return f"{STACK_PREFIX}artefacts-{self.account}-{self.region}"

    @property
    def template_base(self) -> str:
        return f"{self.buckets.base_url}/{self.artefacts}"

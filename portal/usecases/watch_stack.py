"""Follows a stack and all below it until it stands still, and says what failed first."""

from __future__ import annotations

from dataclasses import dataclass

from portal.aws.cloudformation import NESTED, StackEvent, StackState
from portal.core.errors import PortalError
from portal.usecases.stack_parts import StackCloud, StackFailed, Tell

CANCELLED = ("cancelled", "Resource creation Initiated")
HINTS = (
    (("not authorized", "AccessDenied", "is not allowed"),
     "Allow these credentials what infra_gen/README.md lists, or use a role that may."),
    (("already exists", "AlreadyExists"),
     "Something of that name stands outside this stack: remove it, or choose another --env."),
    (("limit", "quota", "Quota", "LimitExceeded", "maximum number"),
     "Ask for a higher quota in the Service Quotas console, or make the environment smaller with --set."),
    (("Unsupported resource type", "Unrecognized resource types"),
     "This emulator does not know that type; the one of `make aws-emulator` does."),
    (("Source image", "CannotPull", "ImageNotFound", "manifest"),
     "Push the image first, and give it by --set RunnerImage=... or --set PortalImage=..."),
    (("Rate exceeded", "Throttl"),
     "AWS was asked too much at once: deploy again in a few minutes."),
    (("not stabilize", "timed out", "Timeout"),
     "Look at the resource's own logs; a service whose tasks do not get healthy is the usual cause."),
    (("S3 error", "template"),
     "A template could not be read: deploy again, the upload may have been cut."),
)  # fmt: skip
OTHERWISE = "Correct the cause and deploy again; nothing else has to be cleaned up."


@dataclass(frozen=True, slots=True)
class StackEnd:
    state: StackState
    events: tuple[StackEvent, ...]
    """Since the watching began, over all stacks, oldest first."""

    def failure(self) -> StackFailed:
        first = first_failure(self.events)
        where = f"{first.stack}/{first.logical}" if first else self.state.name
        reason = first.reason if first else self.state.reason or "CloudFormation gave no reason."
        kind = f" ({first.kind})" if first else ""
        return StackFailed(
            f"{where}{kind} failed first: {reason} The stack is {self.state.status}.", hint=hint_for(reason),
            resource=where, reason=reason, status=self.state.status,
        )  # fmt: skip


class StackWatch:
    """Begun before a change, so that old events are known as such."""

    def __init__(self, cloud: StackCloud, stack: str, tell: Tell) -> None:
        self._cloud, self._stack, self._tell = cloud, stack, tell
        self._stacks: set[str] = {stack}
        self._seen = {event.id for event in self._events()}
        self._found: list[StackEvent] = []

    def until_still(self) -> StackEnd:
        """Only a stack's own state ends this, not the time: CloudFormation has time limits of its own for all it does."""
        while True:
            state = self._cloud.stacks.find(self._stack)
            self._look()
            if state is None:
                state = StackState(self._stack, self._stack, "DELETE_COMPLETE")
            if not state.is_moving:
                return StackEnd(state, tuple(self._found))
            self._cloud.clock.sleep(self._cloud.look_every)

    def _look(self) -> None:
        for event in self._events():
            if event.id not in self._seen:
                self._seen.add(event.id)
                self._found.append(event)
                self._tell(event)

    def _events(self) -> list[StackEvent]:
        """Of every stack known, by time. Nested ones make themselves known by their parent's events."""
        found: dict[str, StackEvent] = {}
        waiting, asked = list(self._stacks), set(self._stacks)
        while waiting:
            for event in self._of(waiting.pop()):
                found[event.id] = event
                if event.kind == NESTED and event.physical.startswith("arn:") and event.physical not in asked:
                    asked.add(event.physical)
                    waiting.append(event.physical)
        self._stacks = asked
        return sorted(found.values(), key=lambda event: event.at)

    def _of(self, stack: str) -> tuple[StackEvent, ...]:
        try:
            return self._cloud.stacks.events(stack)
        except PortalError as error:
            if "does not exist" in error.message:
                return ()
            raise


def first_failure(events: tuple[StackEvent, ...]) -> StackEvent | None:
    """What was cancelled because of another, and the stacks above the cause, come only where there is nothing better."""
    failed = [event for event in events if event.status.endswith("_FAILED") and event.reason]
    causes = [event for event in failed if not any(word in event.reason for word in CANCELLED)]
    resources = [event for event in causes if event.kind != NESTED]
    return next(iter(resources or causes or failed), None)


def hint_for(reason: str) -> str:
    return next((hint for words, hint in HINTS if any(word in reason for word in words)), OTHERWISE)

"""A CloudFormation that takes its time, buckets in memory, workers that end: what an emulator cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.aws.cloudformation import NESTED, Change, Proposal, Resource, StackEvent, StackState
from portal.core.errors import NotFound
from portal.usecases.stack_parts import StackCloud
from tests.fakes import FakeClock

ROOT_ID = "arn:aws:cloudformation:eu-central-1:1:stack/knopfdruck-dev/1"
CHILD_ID = "arn:aws:cloudformation:eu-central-1:1:stack/child/2"
BEGIN = datetime(2026, 11, 24, tzinfo=UTC)


def event(
    number: int, logical: str, status: str, *, stack: str = "knopfdruck-dev", kind: str = "AWS::SQS::Queue", reason: str = "",
    physical: str = "",
) -> StackEvent:  # fmt: skip
    return StackEvent(f"{stack}-{number}", BEGIN + timedelta(seconds=number), stack, logical, kind, status, reason, physical)


def state(status: str, **more: Any) -> StackState:
    return StackState("knopfdruck-dev", ROOT_ID, status, **more)


@dataclass
class FakeStacks:
    """`life` are the states `find` says one after another once something was done; `later` the events that come with each."""

    standing: StackState | None = None
    life: list[StackState] = field(default_factory=list)
    known: dict[str, list[StackEvent]] = field(default_factory=dict)
    later: list[tuple[str, StackEvent]] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    resources_of: dict[str, list[Resource]] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    proposed: dict[str, Any] = field(default_factory=dict)
    after_delete: list[StackState] = field(default_factory=list)

    def find(self, name: str) -> StackState | None:
        if any(word in ("accept", "delete", "resume") for word in self.done) and self.life:
            self.standing = self.life.pop(0)
            if self.later:
                stack, new = self.later.pop(0)
                self.known.setdefault(stack, []).append(new)
        return self.standing

    def stacks(self, prefix: str) -> tuple[StackState, ...]:
        return (self.standing,) if self.standing and not self.standing.is_gone else ()

    def propose(self, name: str, change_set: str, **said: Any) -> str:
        self.proposed = {"name": name, **said}
        return "change-set"

    def proposal(self, change_set: str) -> Proposal:
        return self.proposals.pop(0) if len(self.proposals) > 1 else self.proposals[0]

    def accept(self, change_set: str) -> None:
        self.done.append("accept")

    def drop(self, change_set: str) -> None:
        self.done.append("drop")

    def events(self, stack: str) -> tuple[StackEvent, ...]:
        if stack not in self.known:
            raise NotFound(f"Stack [{stack}] does not exist")
        return tuple(self.known[stack])

    def resources(self, stack: str) -> tuple[Resource, ...]:
        return tuple(self.resources_of.get(stack, ()))

    def template(self, stack: str) -> dict[str, Any]:
        return self.templates.get(stack, {})

    def delete(self, stack: str, *, retain: tuple[str, ...] = ()) -> None:
        self.done.append("delete")
        self.life = self.after_delete or [state("DELETE_IN_PROGRESS"), state("DELETE_COMPLETE")]
        self.after_delete = []

    def protect(self, stack: str, *, on: bool) -> None:
        self.done.append("protect" if on else "unprotect")
        if self.standing:
            self.standing = replace(self.standing, is_protected=on)

    def resume_rollback(self, stack: str) -> None:
        self.done.append("resume")


@dataclass
class FakeBuckets:
    base_url: str = "https://s3.eu-central-1.amazonaws.com"
    content: dict[str, dict[str, Path | bytes]] = field(default_factory=dict)

    def exists(self, bucket: str) -> bool:
        return bucket in self.content

    def has(self, bucket: str, key: str) -> bool:
        return key in self.content[bucket]

    def create(self, bucket: str, *, tags: Mapping[str, str]) -> None:
        self.content.setdefault(bucket, {})

    def upload(self, bucket: str, key: str, source: Path | bytes) -> None:
        assert key not in self.content[bucket], "uploaded again"
        self.content[bucket][key] = source

    def empty(self, bucket: str) -> int:
        count = len(self.content.get(bucket, {}))
        if count:
            self.content[bucket] = {}
        return count

    def remove(self, bucket: str) -> None:
        assert not self.content.pop(bucket)


@dataclass
class FakeDrain:
    """Every look, one worker less."""

    tasks: int = 0
    machines: int = 0
    told: list[str] = field(default_factory=list)

    def idle_service(self, cluster: str, service: str) -> None:
        self.told.append(f"{cluster}:{service}")

    def idle_group(self, group: str) -> None:
        self.told.append(group)

    def stop_tasks(self, cluster: str) -> int:
        return self.tasks

    def working_tasks(self, cluster: str) -> int:
        self.tasks = max(0, self.tasks - 1)
        return self.tasks

    def instances(self, group: str) -> int:
        self.machines = max(0, self.machines - 1)
        return self.machines


def a_cloud(stacks: FakeStacks, *, buckets: FakeBuckets | None = None, drain: FakeDrain | None = None) -> StackCloud:
    doors: dict[str, Any] = {"stacks": stacks, "buckets": buckets or FakeBuckets(), "drain": drain or FakeDrain()}
    return StackCloud(account="1", region="eu-central-1", clock=FakeClock(), **doors)


def a_proposal(*changes: Change, status: str = "CREATE_COMPLETE", reason: str = "") -> Proposal:
    return Proposal("change-set", ROOT_ID, status, reason, changes)


def nested(logical: str = "Storage") -> Resource:
    return Resource(logical, CHILD_ID, NESTED, "CREATE_COMPLETE")

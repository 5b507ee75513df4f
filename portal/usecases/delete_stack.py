"""Deletes a stack so that nothing is left: what works in it is ended first, its buckets are emptied, and what stays is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.aws.cloudformation import NESTED, Resource, StackState
from portal.core.errors import Conflict, NotFound
from portal.usecases.stack_parts import STACK_PREFIX, StackCloud, Tell
from portal.usecases.watch_stack import StackEnd, StackWatch

BUCKET, CLUSTER, SERVICE, GROUP = (
    "AWS::S3::Bucket", "AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::AutoScaling::AutoScalingGroup",
)  # fmt: skip
KEPT_POLICIES = ("Retain", "Snapshot")
LOOKS = 150
"""How often to look whether workers have ended; tasks have 2 minutes for it, instances end faster."""
TRIES = 2
"""A worker may write into a bucket between its emptying and its deletion."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Retained:
    stack: str
    logical: str
    kind: str
    physical: str
    why: str


@dataclass(frozen=True, slots=True)
class _Found:
    stack: str
    resource: Resource
    policy: str


def delete_stack(name: str, cloud: StackCloud, tell: Tell, say: Say, *, unprotect: bool = False) -> tuple[Retained, ...]:
    """What stays, and why. Raises NotFound, Conflict for a protected stack, StackFailed where AWS cannot delete it."""
    state = cloud.stacks.find(name)
    if state is None or state.is_gone:
        raise NotFound(f"There is no stack {name} in {cloud.region} of account {cloud.account}.")
    if state.is_protected and not unprotect:
        raise Conflict(f"{name} is protected from deletion.", hint="Say --unprotect if it really shall go.")
    if state.is_moving:
        raise Conflict(f"{name} is being changed by somebody else ({state.status}).", hint="Wait for `infra status`.")
    found = _resources(state.id, state.name, cloud)
    if state.is_protected:
        cloud.stacks.protect(state.id, on=False)
    _drain(found, cloud, say)
    _delete(state, found, cloud, tell, say)
    kept = tuple(
        Retained(one.stack, one.resource.logical, one.resource.kind, one.resource.physical, _why(one)) for one in found
        if one.policy in KEPT_POLICIES and one.resource.physical
    )  # fmt: skip
    return kept + _forget_artefacts(cloud, say)


def _resources(stack: str, name: str, cloud: StackCloud) -> list[_Found]:
    """Of the stack and all below it, with their deletion policies."""
    template = cloud.stacks.template(stack).get("Resources", {})
    found = []
    for resource in cloud.stacks.resources(stack):
        if resource.status == "DELETE_COMPLETE":
            continue
        if resource.kind == NESTED and resource.physical.startswith("arn:"):
            found += _resources(resource.physical, f"{name}/{resource.logical}", cloud)
        else:
            found.append(_Found(name, resource, template.get(resource.logical, {}).get("DeletionPolicy", "Delete")))
    return found


def _of(found: list[_Found], kind: str) -> list[_Found]:
    return [one for one in found if one.resource.kind == kind and one.resource.physical]


def _drain(found: list[_Found], cloud: StackCloud, say: Say) -> None:
    """Workers first: what goes on working would write into buckets that are being emptied, and hold network interfaces."""
    clusters = [one.resource.physical for one in _of(found, CLUSTER)]
    groups = [one.resource.physical for one in _of(found, GROUP)]
    for service in _of(found, SERVICE):
        cloud.drain.idle_service(_cluster_of(service.resource.physical, clusters), service.resource.physical)
    for group in groups:
        cloud.drain.idle_group(group)
    stopped = sum(cloud.drain.stop_tasks(cluster) for cluster in clusters)
    if stopped:
        say(f"{stopped} tasks were asked to end.")
    for _ in range(LOOKS):
        left = sum(map(cloud.drain.working_tasks, clusters)) + sum(map(cloud.drain.instances, groups))
        if not left:
            return
        cloud.clock.sleep(cloud.look_every)
    say("Some workers have not ended in time; CloudFormation ends them.")


def _cluster_of(service: str, clusters: list[str]) -> str:
    """A service's ARN holds its cluster's name: `.../service/<cluster>/<name>`."""
    parts = service.split("/")
    return parts[-2] if len(parts) >= 3 else next(iter(clusters), "default")


def _delete(state: StackState, found: list[_Found], cloud: StackCloud, tell: Tell, say: Say) -> None:
    end: StackEnd | None = None
    for _ in range(TRIES):
        for bucket in _of(found, BUCKET):
            if bucket.policy not in KEPT_POLICIES and (count := cloud.buckets.empty(bucket.resource.physical)):
                say(f"{count} objects were removed from {bucket.resource.physical}.")
        watch = StackWatch(cloud, state.id, tell)
        cloud.stacks.delete(state.id)
        end = watch.until_still()
        if end.state.is_gone:
            return
    assert end is not None
    raise end.failure()


def _why(one: _Found) -> str:
    if one.policy == "Snapshot":
        return "its template asks for a last snapshot, which stays"
    return "its template says Retain, because it holds data of this environment"


def _forget_artefacts(cloud: StackCloud, say: Say) -> tuple[Retained, ...]:
    """The bucket of templates and packages goes with the last environment of the region."""
    if not cloud.buckets.exists(cloud.artefacts):
        return ()
    others = [stack.name for stack in cloud.stacks.stacks(STACK_PREFIX)]
    if others:
        return (Retained("", "", BUCKET, cloud.artefacts, f"{', '.join(sorted(others))} uses it too"),)
    cloud.buckets.empty(cloud.artefacts)
    cloud.buckets.remove(cloud.artefacts)
    say(f"The bucket {cloud.artefacts} was removed.")
    return ()

"""Looks whether an environment's place in AWS is as its settings say, a question at a time; changes nothing that stays."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from portal.aws.autoscaling import GroupDoor
from portal.aws.awslambda import LambdaDoor
from portal.aws.ecs import EcsDoor
from portal.aws.errors import AwsError
from portal.aws.s3 import S3Door
from portal.aws.session import place_client
from portal.aws.sts import IdentityDoor
from portal.core.aws_place import AwsPlace
from portal.core.cloud_ports import Finding


def inspect(place: AwsPlace) -> tuple[Finding, ...]:
    """Who we are comes first: when that cannot be asked, nothing else is."""
    first = _asked("credentials", lambda: f"We are {IdentityDoor.of(place).caller()}.")
    return (first, *_parts(place)) if first.is_fine else (first,)


def _parts(place: AwsPlace) -> Iterator[Finding]:
    yield _asked("bucket", lambda: _bucket(S3Door(place_client(place, "s3")), place))
    if place.function:
        yield _asked("lambda", lambda: _function(LambdaDoor.of(place, connections=1), place))
    if place.cluster:
        yield _asked("fargate", lambda: _cluster(EcsDoor.of(place), place))
    if place.worker_group:
        yield _asked("ec2", lambda: _group(GroupDoor.of(place), place))


def _asked(what: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, ask())
    except (AwsError, _Unfit) as error:
        return Finding(what, False, f"{error.args[0]} {getattr(error, 'hint', '')}".strip())


class _Unfit(Exception):
    """It answers, and is not what workers need."""


def _bucket(door: S3Door, place: AwsPlace) -> str:
    key = f"{place.prefix}/probe/{secrets.token_hex(8)}"
    door.put(place.bucket, key, b"probe")
    if door.put_new(place.bucket, key, b"other") or door.get(place.bucket, key) != b"probe":
        raise _Unfit(f"{place.bucket} takes a conditional write for a key that exists: slots could be leased twice.")
    door.delete(place.bucket, key)
    return f"{place.bucket} can be written, read and listed, and writes once what must be written once."


def _function(door: LambdaDoor, place: AwsPlace) -> str:
    facts = door.facts(place.function)
    if facts.seconds < 300:
        raise _Unfit(f"The function ends after {facts.seconds} s; give it 900.")
    return f"The function has {facts.memory_mb} MB and {facts.seconds} s."


def _cluster(door: EcsDoor, place: AwsPlace) -> str:
    if not door.has_cluster(place.cluster):
        raise _Unfit(f"There is no active cluster {place.cluster}.")
    return f"{place.cluster} is active; a task has {door.vcpus(place.task_definition):g} vCPU."


def _group(door: GroupDoor, place: AwsPlace) -> str:
    group = door.look(place.worker_group)
    if not group.most:
        raise _Unfit(f"{place.worker_group} may have no instance at all.")
    return f"{place.worker_group} has {len(group.instances)} instances and may have {group.most}."

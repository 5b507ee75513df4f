"""Where in AWS an environment's workers run: one account and region, and what of it a stack has set up for them. Pure.

`aws-local` is a place like any other, whose `endpoint_url` is an emulator of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlencode, urlsplit

from portal.core.errors import WireInvalid
from portal.core.fields import FieldError, shown
from portal.core.wire import from_plain

PREFIX = "control"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
_PLAIN = re.compile(r"[\w+=,.@:/#-]{0,512}")
_WANTED = {
    "lambda": {"function": "a Lambda function"},
    "fargate": {"cluster": "an ECS cluster", "task_definition": "a task definition", "subnets": "subnets"},
    "ec2": {"worker_group": "an Auto Scaling group of workers"},
}


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """Empty: the stack has no such part. Credentials are found by boto3, or are those of `profile` or `role_arn`."""

    region: str
    bucket: str
    endpoint_url: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    prefix: str = PREFIX
    function: str = ""
    """Name or ARN; the ARN of an alias where code is published under one."""
    cluster: str = ""
    task_definition: str = ""
    """With its revision: all tasks of a run are the same."""
    container: str = "agent"
    spot: bool = False
    """Fargate tasks at a discount, which AWS may take away with two minutes' notice."""
    pool_service: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    assign_public_ip: bool = False
    worker_group: str = ""
    topic: str = ""
    queue_url: str = ""
    log_prefix: str = ""
    namespace: str = "Knopfdruck"

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str], *, region: str, endpoint_url: str = "", profile: str = "") -> AwsPlace:
        """From the outputs of a deployed root stack; those of parts that are not deployed are missing."""
        return cls(
            region=outputs.get("Region") or region, endpoint_url=endpoint_url, profile=profile,
            bucket=outputs.get("ResultsBucket", ""),
            function=outputs.get("RunnerFunctionArn") or outputs.get("RunnerFunctionName", ""),
            cluster=outputs.get("ClusterName", ""), task_definition=outputs.get("ArtilleryTaskDefinitionArn", ""),
            pool_service=outputs.get("PoolServiceName", ""), subnets=_words(outputs.get("RunnerSubnetIds", "")),
            security_groups=_words(outputs.get("RunnerSecurityGroupIds", "")),
            assign_public_ip=outputs.get("AssignPublicIp", "") == "ENABLED",
            worker_group=outputs.get("WorkerGroupName", ""), topic=outputs.get("CompletionTopicArn", ""),
            queue_url=outputs.get("EventsQueueUrl", ""), log_prefix=outputs.get("LogGroupPrefix", ""),
            namespace=outputs.get("MetricsNamespace") or "Knopfdruck",
        )  # fmt: skip

    def store_url(self) -> str:
        """The run store as a worker is told it: by its own role's credentials."""
        return self._store_url({})

    def portal_store_url(self) -> str:
        """The same store by the credentials of this place."""
        return self._store_url({"profile": self.profile, "role_arn": self.role_arn, "external_id": self.external_id})

    @property
    def is_on_this_machine(self) -> bool:
        """An emulator's workers reach what listens here only."""
        return bool(self.endpoint_url) and urlsplit(self.endpoint_url).hostname in ("127.0.0.1", "localhost", "::1")

    def lacks(self, backend: str) -> tuple[str, ...]:
        """What a backend needs and this place does not have, in words."""
        return tuple(words for name, words in _WANTED.get(backend, {}).items() if not getattr(self, name))

    def _store_url(self, options: Mapping[str, str]) -> str:
        said = {"region": self.region, "endpoint_url": self.endpoint_url, **options}
        return f"s3://{self.bucket}/{self.prefix}?{urlencode({name: value for name, value in said.items() if value})}"


def read_place(value: object) -> dict[str, object]:
    """An environment's `aws` as it was written, once it can be read. Raises FieldError."""
    known = tuple(field.name for field in fields(AwsPlace))
    if not isinstance(value, Mapping):
        raise FieldError("This is an object.", 'Such as {"region": "eu-central-1", "bucket": "my-results"}.')
    unknown = [str(name)[:40] for name in value if name not in known]
    if unknown:
        raise FieldError(f"There is no {', '.join(unknown)} here.", f"Known: {', '.join(known)}.")
    try:
        place = from_plain(AwsPlace, dict(value))
    except WireInvalid as error:
        raise FieldError(str(error).replace("AwsPlace", "place in AWS")[:200], "Region and bucket are needed.") from error
    _check(place)
    return dict(value)


def _check(place: AwsPlace) -> None:
    if not _REGION.fullmatch(place.region):
        raise FieldError(f"{shown(place.region)} is not a region.", "Write it as eu-central-1.")
    if not _BUCKET.fullmatch(place.bucket):
        raise FieldError(f"{shown(place.bucket)} is not the name of a bucket.", "The stack's output ResultsBucket says it.")
    if not _PATH.fullmatch(place.prefix):
        raise FieldError(f"{shown(place.prefix)} is not a prefix.", "Use letters, digits, - and _ with / between.")
    if place.endpoint_url and not _is_endpoint(place.endpoint_url):
        raise FieldError(f"{shown(place.endpoint_url)} is not an endpoint.", "Give http://host:port, or leave it out for AWS.")
    if place.role_arn and not _ROLE.fullmatch(place.role_arn):
        raise FieldError(f"{shown(place.role_arn)} is not the ARN of a role.", "Write it as arn:aws:iam::123456789012:role/name.")
    for field in fields(AwsPlace):
        words = getattr(place, field.name)
        for word in words if isinstance(words, tuple) else (words,):
            if field.name != "queue_url" and isinstance(word, str) and not _PLAIN.fullmatch(word):
                raise FieldError(f"{field.name} holds {shown(word)}, which no name or ARN is.")


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and (parts.port or 1) > 0
    except ValueError:
        return False


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))

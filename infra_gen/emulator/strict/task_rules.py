"""Amazon ECS: batch sizes, the length of overrides, what Fargate can run, client tokens."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra_gen.emulator.strict.request import Refusal, Request, too_many

MOST_TASKS, MOST_DESCRIBED = 10, 100
LONGEST_OVERRIDES, LONGEST_STARTED_BY, LONGEST_TOKEN, LONGEST_STOP_TIMEOUT = 8192, 128, 64, 120
TOKEN_SECONDS = 24 * 3600
INVALID = "InvalidParameterException"
FILTERS = ("family", "serviceName", "containerInstance", "launchType")
GIB = 1024
FARGATE_MEMORY = {
    256: (512, GIB, 2 * GIB),
    512: tuple(GIB * each for each in range(1, 5)),
    1024: tuple(GIB * each for each in range(2, 9)),
    2048: tuple(GIB * each for each in range(4, 17)),
    4096: tuple(GIB * each for each in range(8, 31)),
    8192: tuple(GIB * each for each in range(16, 61, 4)),
    16384: tuple(GIB * each for each in range(32, 121, 8)),
}


def count(request: Request) -> None:
    """RunTask starts 1 to 10 tasks a call [B]."""
    if not 1 <= int(request.get("count", 1)) <= MOST_TASKS:
        raise Refusal(INVALID, f"count must be between 1 and {MOST_TASKS}, and was {request.get('count')}.")


def overrides_length(request: Request) -> None:
    """All overrides together, as JSON, are at most 8192 characters [B]."""
    length = len(json.dumps(request.get("overrides", {}), separators=(",", ":")))
    if length > LONGEST_OVERRIDES:
        raise Refusal(INVALID, f"Overrides are {length} characters long; the limit is {LONGEST_OVERRIDES}.")


def started_by(request: Request) -> None:
    """Up to 128 letters, digits, hyphens, slashes and underscores [B]."""
    if not re.fullmatch(rf"[A-Za-z0-9_/-]{{0,{LONGEST_STARTED_BY}}}", str(request.get("startedBy", ""))):
        raise Refusal(INVALID, "startedBy may have up to 128 letters, numbers, hyphens, forward slashes and underscores.")


def token_form(request: Request) -> None:
    """Up to 64 characters from 33 to 126 of ASCII [B]."""
    if not re.fullmatch(rf"[!-~]{{0,{LONGEST_TOKEN}}}", str(request.get("clientToken", ""))):
        raise Refusal(INVALID, f"clientToken may have up to {LONGEST_TOKEN} characters of the range 33-126.")


def network(request: Request) -> None:
    """Up to 16 subnets and 5 security groups, and subnets there must be on Fargate [B]."""
    settings = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if settings is None:
        if request.get("launchType") == "FARGATE" or request.get("capacityProviderStrategy"):
            raise Refusal(INVALID, "Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        return
    if not settings.get("subnets"):
        raise Refusal(INVALID, "subnets can not be empty.")
    too_many(len(settings["subnets"]), 16, "subnets")
    too_many(len(settings.get("securityGroups") or ()), 5, "securityGroups")


def one_way_to_launch(request: Request) -> None:
    """A launch type or a capacity provider strategy, not both [B]."""
    if request.get("launchType") and request.get("capacityProviderStrategy"):
        raise Refusal(INVALID, "Specifying both a launch type and capacity provider strategy is not supported.")


def described(request: Request) -> None:
    """DescribeTasks takes 100 tasks [B]."""
    too_many(len(request.get("tasks", ())), MOST_DESCRIBED, "tasks")


def only_filter(request: Request) -> None:
    """startedBy is the only filter where it is one [B]."""
    others = [name for name in FILTERS if request.get(name)]
    if request.get("startedBy") and others:
        raise Refusal(INVALID, f"startedBy must be the only filter, and {others[0]} was given beside it.")


def fargate_size(request: Request) -> None:
    """Fargate has certain pairs of cpu and memory [D: task definition parameters]."""
    if "FARGATE" not in request.get("requiresCompatibilities", ()):
        return
    cpu, memory = int(request.get("cpu", 0) or 0), int(request.get("memory", 0) or 0)
    if memory not in FARGATE_MEMORY.get(cpu, ()):
        raise Refusal("ClientException", f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


def stop_timeout(request: Request) -> None:
    """At most 120 seconds on Fargate [B]."""
    for container in request.get("containerDefinitions", ()):
        seconds = int(container.get("stopTimeout") or 0)
        if "FARGATE" in request.get("requiresCompatibilities", ()) and seconds > LONGEST_STOP_TIMEOUT:
            raise Refusal("ClientException", f"stopTimeout must be at most {LONGEST_STOP_TIMEOUT} on Fargate, and was {seconds}.")


def of_template(properties: Mapping[str, Any]) -> None:
    """The same for a task definition that a template makes, whose names begin with a capital."""
    containers = [{"stopTimeout": each.get("StopTimeout")} for each in properties.get("ContainerDefinitions") or ()]
    names = {"cpu": "Cpu", "memory": "Memory", "requiresCompatibilities": "RequiresCompatibilities"}
    given = {ours: properties.get(theirs) for ours, theirs in names.items()} | {"containerDefinitions": containers}
    for rule in (fargate_size, stop_timeout):
        rule(Request("ecs", "RegisterTaskDefinition", given))


@dataclass
class Tokens:
    """Same token and same parameters give the tasks of the first call; other parameters are a conflict that names them [B, D]."""

    clock: Callable[[], float] = time.monotonic
    seen: dict[tuple[str, ...], tuple[float, str, tuple[str, ...]]] = field(default_factory=dict)

    def earlier(self, request: Request) -> tuple[str, ...] | None:
        """ARNs of the tasks this token has started; None when it is new, or none was sent."""
        found = self.seen.get(_key(request)) if request.get("clientToken") else None
        if found is None or found[0] <= self.clock():
            return None
        _, digest, arns = found
        if digest != _digest(request.parameters):
            message = "The request with this client token had other parameters."
            raise Refusal("ConflictException", message, resourceIds=list(arns))
        return arns

    def remember(self, request: Request, arns: tuple[str, ...]) -> None:
        if request.get("clientToken"):
            self.seen[_key(request)] = (self.clock() + TOKEN_SECONDS, _digest(request.parameters), arns)


def _key(request: Request) -> tuple[str, ...]:
    cluster = str(request.get("cluster", "default")).rsplit("/", 1)[-1]
    return (*request.scope, cluster, str(request.get("clientToken")))


def _digest(parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


RULES = {
    "RunTask": (count, overrides_length, started_by, token_form, network, one_way_to_launch),
    "CreateService": (network, one_way_to_launch),
    "DescribeTasks": (described,),
    "ListTasks": (only_filter,),
    "RegisterTaskDefinition": (fargate_size, stop_timeout),
}

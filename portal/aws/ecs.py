"""The door to ECS on Fargate: tasks started with a token, looked at and stopped. Raises AwsError only.

The token makes a repeated start give the task that runs already, so that this door may try again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsCapacity, AwsQuota, AwsRefused, translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

RUN_ATTEMPTS, AT_ONCE, MOST_OVERRIDES, MOST_STARTER = 5, 100, 8192, 128
PORTAL = "knopfdruck"
QUOTA_WORDS, CAPACITY_WORDS = ("limit", "quota"), ("capacity", "resource:", "unavailable")
"""As AWS words the failures that come with an answer of 200."""


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """One task. `environment` is added to what its definition says."""

    token: str
    started_by: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TaskState:
    arn: str
    status: str
    started_by: str = ""
    az: str = ""
    stop_code: str = ""
    reason: str = ""
    exit_code: int | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ("STOPPED", "DELETED")


class EcsDoor:
    """Safe between threads."""

    def __init__(self, ecs: Any) -> None:
        self._ecs = ecs

    @classmethod
    def of(cls, place: AwsPlace) -> EcsDoor:
        return cls(place_client(place, "ecs", attempts=RUN_ATTEMPTS))

    def run(self, place: AwsPlace, order: TaskOrder) -> str:
        """The task's ARN. Raises AwsCapacity and AwsQuota also for what ECS answers within a success."""
        overrides = {
            "containerOverrides": [
                {"name": place.container, "environment": [{"name": k, "value": v} for k, v in order.environment.items()]}
            ]
        }
        _check_size(str(overrides))
        with translated("ecs:RunTask"):
            answer = self._ecs.run_task(
                cluster=place.cluster, taskDefinition=place.task_definition, count=1, clientToken=order.token,
                startedBy=order.started_by[:MOST_STARTER], overrides=overrides, networkConfiguration=_network(place),
                enableECSManagedTags=True, propagateTags="TASK_DEFINITION",
                tags=[{"key": "knopfdruck:managed", "value": "true"}, {"key": "knopfdruck:run", "value": order.started_by}],
                **_provider(place.spot),
            )  # fmt: skip
        if answer["tasks"]:
            return str(answer["tasks"][0]["taskArn"])
        raise _failure(answer.get("failures", ()))

    def states(self, cluster: str, arns: Sequence[str]) -> dict[str, TaskState]:
        """By ARN; those ECS does not know (yet, or any more) are missing."""
        found: dict[str, TaskState] = {}
        for start in range(0, len(arns), AT_ONCE):
            with translated("ecs:DescribeTasks"):
                answer = self._ecs.describe_tasks(cluster=cluster, tasks=list(arns[start : start + AT_ONCE]))
            found |= {task["taskArn"]: _state(task) for task in answer["tasks"]}
        return found

    def stop(self, cluster: str, arn: str, reason: str) -> None:
        """A task that is gone already is fine."""
        try:
            with translated("ecs:StopTask"):
                self._ecs.stop_task(cluster=cluster, task=arn, reason=reason[:1024])
        except AwsRefused as error:
            if error.reason != "InvalidParameterException" or "not found" not in error.message:
                raise

    def tasks(self, cluster: str, started_by: str) -> tuple[str, ...]:
        """What runs or starts on behalf of a run; ECS allows no other filter beside this one."""
        with translated("ecs:ListTasks"):
            pages = self._ecs.get_paginator("list_tasks").paginate(cluster=cluster, startedBy=started_by)
            return tuple(arn for page in pages for arn in page["taskArns"])

    def all_tasks(self, cluster: str) -> tuple[str, ...]:
        with translated("ecs:ListTasks"):
            pages = self._ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING")
            return tuple(arn for page in pages for arn in page["taskArns"])

    def has_cluster(self, cluster: str) -> bool:
        with translated("ecs:DescribeClusters"):
            found = self._ecs.describe_clusters(clusters=[cluster])["clusters"]
        return any(one["status"] == "ACTIVE" for one in found)

    def vcpus(self, task_definition: str) -> float:
        """Of one task."""
        with translated("ecs:DescribeTaskDefinition"):
            found = self._ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
        return int(found.get("cpu") or 0) / 1024


def _network(place: AwsPlace) -> dict[str, Any]:
    return {
        "awsvpcConfiguration": {
            "subnets": list(place.subnets), "securityGroups": list(place.security_groups),
            "assignPublicIp": "ENABLED" if place.assign_public_ip else "DISABLED",
        }
    }  # fmt: skip


def _provider(spot: bool) -> dict[str, Any]:
    return (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]} if spot else {"launchType": "FARGATE"}
    )


def _check_size(overrides: str) -> None:
    if len(overrides) > MOST_OVERRIDES:
        raise AwsRefused(
            f"ecs:RunTask: {len(overrides)} characters of overrides are more than {MOST_OVERRIDES}.", operation="ecs:RunTask",
            reason="Size", hint="Use fewer or shorter secrets.",
        )  # fmt: skip


def _failure(failures: Sequence[Mapping[str, str]]) -> AwsRefused | AwsCapacity:
    reason = failures[0].get("reason", "unknown") if failures else "no task and no failure"
    said = " ".join(filter(None, (reason, failures[0].get("detail", "") if failures else "")))
    words = said.lower()
    message = f"ecs:RunTask: {said}"
    if any(word in words for word in QUOTA_WORDS):
        return AwsQuota(message, operation="ecs:RunTask", reason=reason, hint="Ask for a higher quota under Service Quotas.")
    if any(word in words for word in CAPACITY_WORDS):
        return AwsCapacity(message, operation="ecs:RunTask", reason=reason)
    return AwsRefused(message, operation="ecs:RunTask", reason=reason)


def _state(task: Mapping[str, Any]) -> TaskState:
    codes = [one.get("exitCode") for one in task.get("containers", ())]
    return TaskState(
        task["taskArn"], task["lastStatus"], task.get("startedBy", ""), task.get("availabilityZone", ""),
        task.get("stopCode", ""), task.get("stoppedReason", ""), codes[0] if codes else None,
    )  # fmt: skip

"""What calls are checked against where IAM is on: the thing they act on. What is known of it besides is in `conditions`.

ministack takes the cluster's ARN whenever a request names one, and so denies what a policy for task definitions or tasks allows.
A call that names an instance acts on its Auto Scaling group.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

from infra_gen.emulator.gate import conditions
from infra_gen.emulator.plug import plug

ON_DEFINITION = ("RunTask",)
ON_TASK = ("StopTask", "DescribeTasks", "UpdateTaskProtection")
ON_SERVICE = ("UpdateService", "DeleteService", "DescribeServices")


def install() -> None:
    plug(iam_actions, "extract_resource_arn", _of_the_thing)
    plug(iam_actions, "extract_iam_action", _as_policies_name_it)
    conditions.install()


def _as_policies_name_it(extract: Any) -> Any:
    """SQS has no actions for batches: who may delete a message may delete ten [D: Amazon SQS API permissions]."""

    def extracted(service: str, *rest: Any, **named: Any) -> Any:
        action = extract(service, *rest, **named)
        return str(action).removesuffix("Batch") if service == "sqs" and action else action

    return extracted


def _of_the_thing(extract: Any) -> Any:
    def extracted(service: str, method: str, path: str, headers: Any, body: bytes, params: Any, region: str, account: str) -> str:
        plain = str(extract(service, method, path, headers, body, params, region, account))
        if service == "autoscaling" and plain == "*":
            return conditions.group_arn(params, region, account) or plain
        if service == "logs":
            return log_group(action_of(headers), plain)
        if service != "ecs":
            return plain
        return thing(action_of(headers), _json(body), region, account) or plain

    return extracted


def action_of(headers: Any) -> str:
    return str(headers.get("x-amz-target", "")).rpartition(".")[2]


def log_group(action: str, arn: str) -> str:
    """Everything but tagging is checked against the group's ARN with `:*` after it [D: log groups' ARNs in policies]."""
    return f"{arn}:*" if ":log-group:" in arn and "Tag" not in action and not arn.endswith(":*") else arn


def thing(action: str, document: dict[str, Any], region: str, account: str) -> str | None:
    """The ARN of what the action acts on [D: actions, resources and condition keys for ECS]; None for the rest."""
    base = f"arn:aws:ecs:{region}:{account}"
    cluster = str(document.get("cluster", "default")).rpartition("/")[2]
    if action in ON_DEFINITION:
        return _arn(document.get("taskDefinition"), f"{base}:task-definition/")
    if action in ON_TASK:
        tasks = document.get("tasks") or [document.get("task")]
        return _arn(tasks[0], f"{base}:task/{cluster}/")
    if action in ON_SERVICE:
        services = document.get("services") or [document.get("service")]
        return _arn(services[0], f"{base}:service/{cluster}/")
    return None


def _arn(reference: Any, prefix: str) -> str | None:
    if not reference:
        return None
    return str(reference) if str(reference).startswith("arn:") else f"{prefix}{reference}"


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""What ECS calls are checked against where IAM is on: the thing they act on, with the cluster as a condition.

ministack takes the cluster's ARN whenever a request names one, and so denies what a policy for task definitions or tasks allows.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

from infra_gen.emulator.plug import plug

ON_DEFINITION = ("RunTask",)
ON_TASK = ("StopTask", "DescribeTasks", "UpdateTaskProtection")
ON_SERVICE = ("UpdateService", "DeleteService")


def install() -> None:
    plug(iam_actions, "extract_resource_arn", _of_the_thing)
    plug(iam_actions, "request_tag_context", _with_cluster)


def _of_the_thing(extract: Any) -> Any:
    def extracted(service: str, method: str, path: str, headers: Any, body: bytes, params: Any, region: str, account: str) -> str:
        plain = str(extract(service, method, path, headers, body, params, region, account))
        if service != "ecs":
            return plain
        return thing(str(headers.get("x-amz-target", "")).rpartition(".")[2], _json(body), region, account) or plain

    return extracted


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
        return _arn(document.get("service"), f"{base}:service/{cluster}/")
    return None


def _with_cluster(context: Any) -> Any:
    def found(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        keys: dict[str, Any] = context(service, iam_action, body, params)
        cluster = _json(body).get("cluster") if service == "ecs" else None
        return {**keys, "ecs:cluster": [str(cluster)]} if cluster else keys

    return found


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

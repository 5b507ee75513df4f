"""Task scale-in protection: as API, and as the agent's endpoint that a task asks for itself."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ecs

from infra_gen.emulator.plug import plug

DEFAULT_MINUTES, LONGEST_MINUTES = 120, 2880
_until: dict[str, float] = {}


def install() -> None:
    plug(ecs, "_update_task_protection", lambda _: _update)
    plug(ecs, "_get_task_protection", lambda _: _get)


def holds(task: dict[str, Any]) -> bool:
    return _until.get(task["taskArn"], 0.0) > time.time()


def ask_for_oneself(task_id: str, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """`$ECS_AGENT_URI/task-protection/v1/state`, GET and PUT."""
    found = next((item for item in ecs._tasks.all_items() if item[1]["taskArn"].endswith(f"/{task_id}")), None)
    if found is None:
        return 404, {"error": {"Code": "ResourceNotFoundException", "Message": "The task is not known."}}
    (account, region, arn), task = found
    with request_scope(account, region):
        if method == "PUT":
            wanted = json.loads(body or b"{}")
            answer = _protect(task, bool(wanted.get("ProtectionEnabled")), int(wanted.get("ExpiresInMinutes") or DEFAULT_MINUTES))
            if answer is not None:
                return 400, {"requestID": task_id, "failure": {"Arn": arn, "Reason": answer}}
    return 200, {"protection": _entry(task, capital=True)}


def _update(request: dict[str, Any]) -> Any:
    minutes = int(request.get("expiresInMinutes") or DEFAULT_MINUTES)
    if not 1 <= minutes <= LONGEST_MINUTES:
        return ecs.error_response_json("InvalidParameterException", "expiresInMinutes must be between 1 and 2880.", 400)
    protected, failures = [], []
    for reference in request.get("tasks", []):
        task = ecs._resolve_task(reference, ecs._resolve_cluster_name(request.get("cluster", "default")))
        reason = "MISSING" if task is None else _protect(task, bool(request.get("protectionEnabled")), minutes)
        if reason:
            failures.append({"arn": reference, "reason": reason})
        else:
            protected.append(_entry(task))
    return ecs.json_response({"protectedTasks": protected, "failures": failures})


def _get(request: dict[str, Any]) -> Any:
    cluster = ecs._resolve_cluster_name(request.get("cluster", "default"))
    found = [ecs._resolve_task(reference, cluster) for reference in request.get("tasks", [])]
    return ecs.json_response({"protectedTasks": [_entry(task) for task in found if task], "failures": []})


def _protect(task: dict[str, Any], enabled: bool, minutes: int) -> str | None:
    """Refused for a task that belongs to no service, as AWS does (TASK_NOT_VALID)."""
    if not str(task.get("group", "")).startswith("service:"):
        return "TASK_NOT_VALID"
    _until[task["taskArn"]] = time.time() + 60 * minutes if enabled else 0.0
    return None


def _entry(task: dict[str, Any], capital: bool = False) -> dict[str, Any]:
    entry: dict[str, Any] = {"taskArn": task["taskArn"], "protectionEnabled": holds(task)}
    if holds(task):
        entry["expirationDate"] = _until[task["taskArn"]]
    return {name[0].upper() + name[1:]: value for name, value in entry.items()} if capital else entry

"""Lifecycle hooks: an instance waits until its action is completed, or until the heartbeat timeout gives the default result."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, cast

from ministack.services import autoscaling

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


@dataclass
class Waiting:
    """One instance at one hook."""

    hook: str
    token: str
    until: float
    seconds: float
    default: str
    result: str | None = None


def begin(group: dict[str, Any], instance: str, transition: str) -> bool:
    """False when the group has no hook for this transition. Of several, the first is waited for."""
    hooks = [hook for hook in autoscaling._hooks.values() if hook["AutoScalingGroupName"] == group["AutoScalingGroupName"]]
    hook = next((hook for hook in hooks if hook["LifecycleTransition"] == transition), None)
    if hook is None:
        return False
    seconds = float(hook["HeartbeatTimeout"])
    waiting = Waiting(hook["LifecycleHookName"], str(uuid.uuid4()), time.monotonic() + seconds, seconds, hook["DefaultResult"])
    group.setdefault("_waiting", {})[instance] = waiting
    return True


def result(group: dict[str, Any], instance: str) -> str | None:
    """CONTINUE or ABANDON once, then nothing; None as long as it waits, or when it does not."""
    waiting = group.get("_waiting", {}).get(instance)
    if waiting is None or (waiting.result is None and waiting.until > time.monotonic()):
        return None
    del group["_waiting"][instance]
    return str(waiting.result or waiting.default)


def complete(request: Any) -> Any:
    waiting = _named(request)
    if waiting is None:
        return _none_active(request)
    waiting.result = autoscaling._p(request, "LifecycleActionResult") or "ABANDON"
    return autoscaling._xml(200, "CompleteLifecycleActionResponse", "<CompleteLifecycleActionResult/>")


def beat(request: Any) -> Any:
    waiting = _named(request)
    if waiting is None:
        return _none_active(request)
    waiting.until = time.monotonic() + waiting.seconds
    return autoscaling._xml(200, "RecordLifecycleActionHeartbeatResponse", "<RecordLifecycleActionHeartbeatResult/>")


def _named(request: Any) -> Waiting | None:
    """By instance or by token, at the named hook."""
    group = autoscaling._asgs.get(autoscaling._p(request, "AutoScalingGroupName")) or {}
    instance, token = autoscaling._p(request, "InstanceId"), autoscaling._p(request, "LifecycleActionToken")
    for each, waiting in group.get("_waiting", {}).items():
        if waiting.hook == autoscaling._p(request, "LifecycleHookName") and (each == instance or waiting.token == token):
            return cast(Waiting, waiting)
    return None


def _none_active(request: Any) -> Any:
    named = autoscaling._p(request, "InstanceId") or autoscaling._p(request, "LifecycleActionToken")
    return autoscaling._error("ValidationError", f"No active Lifecycle Action found with instance ID {named}")

"""Scaling policies, acted on: an alarm that goes off moves the capacity of the group or the service that its policy names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ministack.services import autoscaling, cloudwatch

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import groups, scalable_targets


def install() -> None:
    plug(cloudwatch, "_dispatch_alarm_actions", _scaling_too)


def _scaling_too(dispatch: Any) -> Any:
    """ministack tells SNS topics only; policies of Auto Scaling and Application Auto Scaling are told here."""

    def dispatched(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        dispatch(alarm, old, new, reason)
        if new != "ALARM" or not alarm.get("ActionsEnabled", True):
            return
        for action in alarm.get("AlarmActions") or []:
            if ":scalingPolicy:" in action:
                up = "Greater" in str(alarm.get("ComparisonOperator"))
                scalable_targets.scale(action, up) or _scale_group(action, up)

    return dispatched


def execute(name: str, group_name: str) -> bool:
    """By name or ARN, as ExecutePolicy takes it."""
    found = [policy for policy in autoscaling._policies.values() if name in (policy["PolicyName"], policy["PolicyARN"])]
    named = [policy for policy in found if group_name in ("", policy["AutoScalingGroupName"])]
    return bool(named) and _scale_group(named[0]["PolicyARN"], up=True)


def next_capacity(policy: Mapping[str, Any], now: int, up: bool) -> int:
    """Target tracking has no number of its own here: it moves by a tenth, and at least by one."""
    if policy["PolicyType"] == "TargetTrackingScaling":
        if not up and (policy.get("TargetTrackingConfiguration") or {}).get("DisableScaleIn"):
            return now
        step = max(1, math.ceil(now / 10))
        return now + step if up else now - step
    steps = policy.get("StepAdjustments") or [{"ScalingAdjustment": policy.get("ScalingAdjustment", 0)}]
    change = int(steps[0].get("ScalingAdjustment", 0))
    kind = policy.get("AdjustmentType", "ChangeInCapacity")
    return change if kind == "ExactCapacity" else now + (change if kind == "ChangeInCapacity" else math.trunc(now * change / 100))


def _scale_group(policy_arn: str, up: bool) -> bool:
    policy = next((each for each in autoscaling._policies.values() if each["PolicyARN"] == policy_arn), None)
    group = autoscaling._asgs.get(policy["AutoScalingGroupName"]) if policy else None
    if policy is None or group is None:
        return False
    wanted = next_capacity(policy, group["DesiredCapacity"], up)
    group["DesiredCapacity"] = min(group["MaxSize"], max(group["MinSize"], wanted))
    groups.reconcile(group)
    return True

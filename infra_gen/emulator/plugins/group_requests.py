"""Auto Scaling's calls that ministack lacks or waves through: bounds of the capacity, termination by id, protection, policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import autoscaling

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import activities, groups, hooks, policies

MOST_IDS = 50
Answer = Any


def install() -> None:
    plug(autoscaling, "_set_desired_capacity", lambda _: _set_desired_capacity)
    plug(autoscaling, "_update_asg", _within_bounds)
    plug(autoscaling, "_describe_scaling_activities", lambda _: activities.describe)
    plug(autoscaling, "_complete_lifecycle_action", lambda _: hooks.complete)
    plug(autoscaling, "_record_lifecycle_heartbeat", lambda _: hooks.beat)
    autoscaling._ACTION_MAP |= {
        "TerminateInstanceInAutoScalingGroup": _terminate,
        "SetInstanceProtection": _protect,
        "SetInstanceHealth": _set_health,
        "SuspendProcesses": _known_group("SuspendProcesses"),
        "ResumeProcesses": _known_group("ResumeProcesses"),
        "ExecutePolicy": _execute_policy,
    }


def _set_desired_capacity(request: Any) -> Answer:
    group = _group(request)
    if group is None:
        return _no_group(request)
    wanted = autoscaling._p(request, "DesiredCapacity")
    if not str(wanted).isdigit():
        return _refused("DesiredCapacity is required")
    for bound, beyond in (("MaxSize", int(wanted) > group["MaxSize"]), ("MinSize", int(wanted) < group["MinSize"])):
        if beyond:
            side = "above max" if bound == "MaxSize" else "below min"
            name = group["AutoScalingGroupName"]
            return _refused(
                f"New SetDesiredCapacity value {wanted} is {side} value {group[bound]} for the AutoScalingGroup {name}."
            )
    group["DesiredCapacity"] = int(wanted)
    groups.reconcile(group)
    return autoscaling._xml(200, "SetDesiredCapacityResponse", "")


def _within_bounds(update: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """The desired capacity follows when the bounds move past it; a desired capacity outside the new bounds is refused."""

    def updated(request: Any) -> Answer:
        group = _group(request)
        if group is None:
            return _no_group(request)
        low, high = (int(autoscaling._p(request, name) or group[name]) for name in ("MinSize", "MaxSize"))
        given = autoscaling._p(request, "DesiredCapacity")
        if low > high or (given and not low <= int(given) <= high):
            wanted = given or group["DesiredCapacity"]
            return _refused(f"Desired capacity:{wanted} must be between the specified min size:{low} and max size:{high}")
        group["DesiredCapacity"] = min(high, max(low, group["DesiredCapacity"]))
        protect = autoscaling._p(request, "NewInstancesProtectedFromScaleIn")
        if protect:
            group["NewInstancesProtectedFromScaleIn"] = protect == "true"
        return update(request)

    return updated


def _terminate(request: Any) -> Answer:
    """By id, whether protected or not; with the decrement the group stays smaller, without it a new one comes."""
    instance = autoscaling._p(request, "InstanceId")
    with groups.LOCK:
        found = groups.member_of(instance)
        if found is None:
            return _refused(f"Instance Id not found - No managed instance found for instance ID: {instance}")
        group, member = found
        if autoscaling._p(request, "ShouldDecrementDesiredCapacity") == "true":
            if group["DesiredCapacity"] - 1 < group["MinSize"]:
                return _refused(
                    f"Currently, desiredSize equals minSize ({group['MinSize']}). Terminating instance without replacement will "
                    "violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower "
                    "group's min size."
                )
            group["DesiredCapacity"] -= 1
        groups.remove(group, member, f"instance {instance} was taken out of service in response to a user request")
        groups.reconcile(group)
    activity = activities.xml(group["_activities"][0], "Activity")
    result = f"<TerminateInstanceInAutoScalingGroupResult>{activity}</TerminateInstanceInAutoScalingGroupResult>"
    return autoscaling._xml(200, "TerminateInstanceInAutoScalingGroupResponse", result)


def _protect(request: Any) -> Answer:
    group = _group(request)
    if group is None:
        return _no_group(request)
    ids = autoscaling._parse_member_list(request, "InstanceIds")
    if len(ids) > MOST_IDS:
        return _refused(f"The number of instance ids provided ({len(ids)}) is above the limit of {MOST_IDS}.")
    members = {member["InstanceId"]: member for member in group["Instances"]}
    for instance in ids:
        if instance not in members or members[instance]["LifecycleState"] != groups.IN_SERVICE:
            return _refused(f"The instance {instance} is not part of Auto Scaling group {group['AutoScalingGroupName']}.")
    for instance in ids:
        members[instance]["ProtectedFromScaleIn"] = autoscaling._p(request, "ProtectedFromScaleIn") == "true"
    groups.reconcile(group)
    return autoscaling._xml(200, "SetInstanceProtectionResponse", "<SetInstanceProtectionResult/>")


def _set_health(request: Any) -> Answer:
    instance = autoscaling._p(request, "InstanceId")
    with groups.LOCK:
        found = groups.member_of(instance)
        if found is None:
            return _refused(f"Instance Id not found - No managed instance found for instance ID: {instance}")
        group, member = found
        if autoscaling._p(request, "HealthStatus") == "Unhealthy":
            groups.remove(group, member, "an instance was taken out of service in response to a health check")
            groups.reconcile(group)
    return autoscaling._xml(200, "SetInstanceHealthResponse", "")


def _known_group(action: str) -> Callable[[Any], Answer]:
    """Accepted for a group that exists; the emulator runs none of the processes that could be suspended but the replacement."""

    def answered(request: Any) -> Answer:
        return _no_group(request) if _group(request) is None else autoscaling._xml(200, f"{action}Response", "")

    return answered


def _execute_policy(request: Any) -> Answer:
    if not policies.execute(autoscaling._p(request, "PolicyName"), autoscaling._p(request, "AutoScalingGroupName")):
        return _refused(f"Policy {autoscaling._p(request, 'PolicyName')} not found")
    return autoscaling._xml(200, "ExecutePolicyResponse", "")


def _group(request: Any) -> dict[str, Any] | None:
    group: dict[str, Any] | None = autoscaling._asgs.get(autoscaling._p(request, "AutoScalingGroupName"))
    return group


def _no_group(request: Any) -> Answer:
    return _refused(f"AutoScalingGroup name not found - no such group: {autoscaling._p(request, 'AutoScalingGroupName')}")


def _refused(message: str) -> Answer:
    return autoscaling._error("ValidationError", message)

"""Auto Scaling groups whose instances run: spread over zones, on demand up to the base and spot above it, replaced when lost.

A group is ministack's record; what it lacks is kept in it under names that begin with `_`. Everything that changes a group's
instances goes through `reconcile`, one at a time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import autoscaling, ec2

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import activities, hooks, launching
from infra_gen.emulator.strict.request import Refusal

TICK_SECONDS = 0.5
PENDING, IN_SERVICE, LEAVING = ("Pending:Wait",), "InService", ("Terminating:Wait", "Terminating:Proceed")
LOCK = threading.RLock()

Group = dict[str, Any]
Member = dict[str, Any]


def install() -> None:
    plug(autoscaling, "_reconcile_instances", lambda _: reconcile)
    plug(autoscaling, "_describe_asgs", _after_a_look)
    plug(autoscaling, "_delete_asg", _after_ending)
    plug(autoscaling, "_instance_member_xml", _telling_the_type)
    threading.Thread(target=_watch, daemon=True, name="group-watch").start()


def reconcile(group: Group) -> None:
    """One look at a group: the lost are dropped, the waiting go on, then it grows or shrinks to its desired capacity."""
    with LOCK:
        for member in [member for member in group["Instances"] if not _runs(member)]:
            group["Instances"].remove(member)
            activities.tell(group, f"Terminating EC2 instance: {member['InstanceId']}", "an instance was taken out of service")
        for member in list(group["Instances"]):
            _go_on(group, member)
        _shrink(group)
        while _staying(group) < group["DesiredCapacity"] + _at_risk(group) and _grows(group):
            continue


def _grows(group: Group) -> bool:
    """A launch that the account's quota refuses is an activity that failed; the next look tries again."""
    try:
        add(group)
    except Refusal as refusal:
        described = f"Launching a new EC2 instance. Status Reason: {refusal.message} Launching EC2 instance failed."
        if not any(each["Description"] == described for each in group.get("_activities", ())[:1]):
            activities.tell(group, described, "the group is below its desired capacity", "Failed")
        return False
    return True


def add(group: Group) -> Member:
    """One more instance, in the zone that has fewest."""
    record = launching.launch(group)
    waits = hooks.begin(group, record["InstanceId"], hooks.LAUNCHING)
    member = {
        "InstanceId": record["InstanceId"],
        "InstanceType": record["InstanceType"],
        "LifecycleState": "Pending:Wait" if waits else IN_SERVICE,
        "HealthStatus": "Healthy",
        "AvailabilityZone": record["Placement"]["AvailabilityZone"],
        "ProtectedFromScaleIn": bool(group["NewInstancesProtectedFromScaleIn"]),
        "LaunchTemplate": group.get("LaunchTemplate") or {},
        "LaunchConfigurationName": "",
    }
    group["Instances"].append(member)
    activities.tell(group, f"Launching a new EC2 instance: {record['InstanceId']}", "the group is below its desired capacity")
    return member


def remove(group: Group, member: Member, cause: str) -> None:
    """By way of the terminating hook where there is one."""
    if member["LifecycleState"] in LEAVING:
        return
    activities.tell(group, f"Terminating EC2 instance: {member['InstanceId']}", cause)
    if hooks.begin(group, member["InstanceId"], hooks.TERMINATING):
        member["LifecycleState"] = "Terminating:Wait"
    else:
        end(group, member)


def end(group: Group, member: Member) -> None:
    with contextlib.suppress(ValueError):
        group["Instances"].remove(member)
    ec2._terminate_instances({"InstanceId.1": [member["InstanceId"]]})


def member_of(instance: str) -> tuple[Group, Member] | None:
    """In the account and region of the request."""
    for group in autoscaling._asgs.values():
        for member in group["Instances"]:
            if member["InstanceId"] == instance:
                return group, member
    return None


def at_risk(instance: str, scope: tuple[str, str]) -> None:
    """With CapacityRebalance the group starts the replacement first, and lets the instance go when that one is in service."""
    with request_scope(*scope), LOCK:
        found = member_of(instance)
        if found is not None and found[0].get("_capacity_rebalance"):
            found[1]["_at_risk"] = True
            reconcile(found[0])


def end_group(group: Group) -> None:
    """All of it, protected or not, as a forced delete does."""
    with LOCK:
        group["DesiredCapacity"] = 0
        for member in list(group["Instances"]):
            end(group, member)


def _go_on(group: Group, member: Member) -> None:
    """A hook that was completed, or waited for too long, lets its instance go on or go."""
    result = hooks.result(group, member["InstanceId"])
    if result is None:
        return
    if member["LifecycleState"] in PENDING and result == "CONTINUE":
        member["LifecycleState"] = IN_SERVICE
    else:
        end(group, member)


def _shrink(group: Group) -> None:
    risky = [member for member in group["Instances"] if member.get("_at_risk") and member["LifecycleState"] == IN_SERVICE]
    sound = [m for m in group["Instances"] if m["LifecycleState"] == IN_SERVICE and not m.get("_at_risk")]
    if risky and len(sound) >= group["DesiredCapacity"]:
        for member in risky:
            remove(group, member, "an instance was at an elevated risk of interruption")
    while _staying(group) > group["DesiredCapacity"] + _at_risk(group):
        free = [m for m in group["Instances"] if m["LifecycleState"] not in LEAVING and not m["ProtectedFromScaleIn"]]
        if not free:
            return
        zones = Counter(member["AvailabilityZone"] for member in group["Instances"])
        remove(group, max(free, key=lambda member: zones[member["AvailabilityZone"]]), "the group is above its desired capacity")


def _staying(group: Group) -> int:
    return sum(member["LifecycleState"] not in LEAVING for member in group["Instances"])


def _at_risk(group: Group) -> int:
    return sum(bool(m.get("_at_risk")) and m["LifecycleState"] not in LEAVING for m in group["Instances"])


def _runs(member: Member) -> bool:
    record = ec2._instances.get(member["InstanceId"]) or {}
    return bool(record.get("State", {}).get("Name") == "running" and member["HealthStatus"] == "Healthy")


def _after_a_look(describe: Any) -> Any:
    def looked(request: Any) -> Any:
        for group in list(autoscaling._asgs.values()):
            reconcile(group)
        return describe(request)

    return looked


def _after_ending(delete: Any) -> Any:
    """Instances without `ForceDelete` keep a group from being deleted (ResourceInUse)."""

    def ended(request: Any) -> Any:
        group = autoscaling._asgs.get(autoscaling._p(request, "AutoScalingGroupName"))
        if group is not None:
            if group["Instances"] and autoscaling._p(request, "ForceDelete") != "true":
                message = "You cannot delete an AutoScalingGroup while there are instances still in the group."
                return autoscaling._error("ResourceInUse", message)
            end_group(group)
        return delete(request)

    return ended


def _telling_the_type(member_xml: Any) -> Any:
    def told(member: Member, include_group_name: str = "") -> str:
        text = str(member_xml(member, include_group_name))
        kind = member.get("InstanceType")
        return text.replace("<AvailabilityZone>", f"<InstanceType>{kind}</InstanceType><AvailabilityZone>", 1) if kind else text

    return told


def _watch() -> None:
    """What Auto Scaling's own health checks do: an instance that is gone is seen without anybody asking."""
    while True:
        time.sleep(TICK_SECONDS)
        for (account, region, _), group in list(autoscaling._asgs.all_items()):
            with request_scope(account, region), contextlib.suppress(LookupError):
                reconcile(group)

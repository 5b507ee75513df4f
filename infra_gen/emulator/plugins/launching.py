"""Which instance a group launches next: its zone, its type, on demand or spot, from its launch template."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import ec2

from infra_gen.emulator.plugins import machines
from infra_gen.emulator.strict import quota_rules


def launch(group: dict[str, Any]) -> dict[str, Any]:
    """Launched and running, as ministack's record of it."""
    specification, overrides = _template(group)
    data, _, error = ec2._resolve_launch_template_data(specification)
    if error is not None:
        raise LookupError(f"the launch template of {group['AutoScalingGroupName']} does not exist")
    slot = ec2._slot_from_lt_data(specification, data or {})
    subnet, zone = _thinnest(group, slot["subnet_id"])
    number = group["_launched"] = group.get("_launched", 0) + 1
    kind = overrides[number % len(overrides)] if overrides else slot["instance_type"]
    _within_the_quota(kind)
    record: dict[str, Any] = ec2._launch_instances_internal(
        image_id=slot["image_id"],
        instance_type=kind,
        subnet_id=subnet,
        count=1,
        user_data=slot["user_data"],
        sg_ids=slot["sg_ids"] or _groups_of_interfaces(data or {}),
        iam_profile=slot["iam_profile"],
    )[0]
    record["Placement"]["AvailabilityZone"] = zone
    if _next_is_spot(group):
        record["InstanceLifecycle"] = "spot"
    tags = _tag(record, group, slot["instance_tags"])
    machines.start(record, slot["user_data"], tags)
    return record


def _within_the_quota(kind: str) -> None:
    running = [record for record in ec2._instances.values() if record["State"]["Name"] == "running"]
    used = sum(quota_rules.vcpus(record["InstanceType"]) for record in running)
    quota_rules.ec2(used, quota_rules.vcpus(kind), float(os.environ["KNOPFDRUCK_EMULATOR_EC2_VCPUS"]))


def spot_share(base: int, percentage_above: int, capacity: int) -> tuple[int, int]:
    """How many of `capacity` are on demand and how many spot: above the base, on demand is rounded up, as AWS does."""
    on_demand = min(base, capacity)
    on_demand += math.ceil((capacity - on_demand) * percentage_above / 100)
    return on_demand, capacity - on_demand


def _next_is_spot(group: Mapping[str, Any]) -> bool:
    policy = group.get("_mixed") or {}
    settings = policy.get("InstancesDistribution")
    if not policy:
        return False
    base = int((settings or {}).get("OnDemandBaseCapacity", 0))
    percentage = int((settings or {}).get("OnDemandPercentageAboveBaseCapacity", 100))
    wanted, _ = spot_share(base, percentage, max(len(group["Instances"]) + 1, group["DesiredCapacity"]))
    on_demand = sum(not (ec2._instances.get(each["InstanceId"]) or {}).get("InstanceLifecycle") for each in group["Instances"])
    return on_demand >= wanted


def _template(group: Mapping[str, Any]) -> tuple[dict[str, str], Sequence[str]]:
    mixed = (group.get("_mixed") or {}).get("LaunchTemplate") or {}
    found = dict(mixed.get("LaunchTemplateSpecification") or group.get("LaunchTemplate") or {})
    found["Version"] = str(found.get("Version") or "$Default")
    return found, [each["InstanceType"] for each in mixed.get("Overrides") or [] if each.get("InstanceType")]


def _thinnest(group: Mapping[str, Any], default_subnet: str) -> tuple[str, str]:
    """The subnet whose zone has fewest of the group's instances; the first of equals."""
    subnets = [each for each in str(group.get("VPCZoneIdentifier") or "").split(",") if each] or [default_subnet]
    zones = [(subnet, str((ec2._subnets.get(subnet) or {}).get("AvailabilityZone", "us-east-1a"))) for subnet in subnets]
    used = Counter(member["AvailabilityZone"] for member in group["Instances"])
    return min(zones, key=lambda pair: used[pair[1]])


def _groups_of_interfaces(data: Mapping[str, Any]) -> list[str] | None:
    """Security groups stand at the network interface when the template asks for public addresses."""
    interfaces = data.get("NetworkInterfaces") or []
    return list(interfaces[0].get("Groups") or []) or None if interfaces else None


def _tag(record: Mapping[str, Any], group: Mapping[str, Any], of_template: Sequence[Mapping[str, str]]) -> dict[str, str]:
    tags = {each["Key"]: each["Value"] for each in of_template}
    tags |= {each["Key"]: each["Value"] for each in group.get("Tags", []) if each.get("PropagateAtLaunch")}
    tags["aws:autoscaling:groupName"] = group["AutoScalingGroupName"]
    ec2._tags[record["InstanceId"]] = [{"Key": name, "Value": value} for name, value in tags.items()]
    return tags

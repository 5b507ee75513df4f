"""Auto Scaling groups from templates run their instances; targets and policies of Application Auto Scaling from templates act."""

from __future__ import annotations

from typing import Any

from ministack.services import autoscaling
from ministack.services.cloudformation import provisioners

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import groups, scalable_targets
from infra_gen.emulator.plugins.types.registry import Made, Properties, add, wrap

GROUP = "AWS::AutoScaling::AutoScalingGroup"


def install() -> None:
    plug(provisioners, "_asg_fields", _with_mixed_policy)
    wrap(GROUP, "create", _filling)
    wrap(GROUP, "update", _following)
    wrap(GROUP, "delete", _emptying)
    add("AWS::ApplicationAutoScaling::ScalableTarget", _target, _target_gone, _target_again)
    add("AWS::ApplicationAutoScaling::ScalingPolicy", _policy, _policy_gone, _policy_again)


def _with_mixed_policy(fields: Any) -> Any:
    def read(properties: Properties) -> dict[str, Any]:
        found: dict[str, Any] = fields(properties)
        mixed = properties.get("MixedInstancesPolicy")
        found["_mixed"] = mixed
        found["_capacity_rebalance"] = str(properties.get("CapacityRebalance", "")).lower() == "true"
        found["NewInstancesProtectedFromScaleIn"] = str(found["NewInstancesProtectedFromScaleIn"]).lower() == "true"
        if mixed:
            specification = (mixed.get("LaunchTemplate") or {}).get("LaunchTemplateSpecification")
            found["LaunchTemplate"] = provisioners._asg_launch_template(specification)
        return found

    return read


def _filling(create: Any) -> Any:
    """Hooks in the group's own list are there before its first instance; hooks of their own come too late for it, as on AWS."""

    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        made: Made = create(logical_id, properties, stack)
        for hook in properties.get("LifecycleHookSpecificationList") or []:
            name = hook["LifecycleHookName"]
            autoscaling._hooks[f"{made[0]}/{name}"] = autoscaling._hook_record(made[0], name, hook)
        groups.reconcile(autoscaling._asgs[made[0]])
        return made

    return created


def _following(update: Any) -> Any:
    """A template that names no desired capacity leaves the one the group has, within its bounds."""

    def updated(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
        before = (autoscaling._asgs.get(physical_id) or {}).get("DesiredCapacity")
        made: Made = update(physical_id, old, new, stack, logical_id)
        group = autoscaling._asgs[made[0]]
        if "DesiredCapacity" not in new and before is not None:
            group["DesiredCapacity"] = min(group["MaxSize"], max(group["MinSize"], before))
        groups.reconcile(group)
        return made

    return updated


def _emptying(delete: Any) -> Any:
    def deleted(physical_id: str, properties: Properties) -> None:
        group = autoscaling._asgs.get(physical_id)
        if group is not None:
            groups.end_group(group)
        delete(physical_id, properties)

    return deleted


def _target(_: str, properties: Properties, __: str) -> Made:
    target = scalable_targets.register(properties)
    name = f"{target['ResourceId']}|{target['ScalableDimension']}|{target['ServiceNamespace']}"
    return name, {"Id": name, "ScalableTargetARN": target["ScalableTargetARN"]}


def _target_again(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    if old["ResourceId"] != new["ResourceId"]:
        _target_gone(physical_id, old)
    return _target(logical_id or physical_id, new, stack)


def _target_gone(_: str, properties: Properties) -> None:
    if f"{properties['ServiceNamespace']}/{properties['ResourceId']}" in scalable_targets.TARGETS:
        scalable_targets.deregister(properties)


def _policy(_: str, properties: Properties, __: str) -> Made:
    """A policy names its target by id, which is `resource|dimension|namespace`, or by the three properties."""
    policy = scalable_targets.put_policy(_named(properties))
    return policy["PolicyARN"], {"Arn": policy["PolicyARN"]}


def _policy_again(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    if _named(old)["PolicyName"] != _named(new)["PolicyName"]:
        _policy_gone(physical_id, old)
    return _policy(logical_id or physical_id, new, stack)


def _policy_gone(physical_id: str, properties: Properties) -> None:
    if any(policy["PolicyARN"] == physical_id for policy in scalable_targets.POLICIES.values()):
        scalable_targets.delete_policy(_named(properties))


def _named(properties: Properties) -> Properties:
    if "ScalingTargetId" not in properties:
        return properties
    resource, dimension, namespace = properties["ScalingTargetId"].split("|")
    return {**properties, "ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}

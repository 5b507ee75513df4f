"""Tags on everything that can have them: whose it is and that we made it. The sweeper and people find things by them."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types

from troposphere import Ref, Tags, autoscaling, ec2

from infra_gen.names import ENVIRONMENT_TAG, MANAGED_TAG

_MAPS = frozenset({
    "AWS::ApiGatewayV2::Api", "AWS::ImageBuilder::Component", "AWS::ImageBuilder::DistributionConfiguration",
    "AWS::ImageBuilder::ImagePipeline", "AWS::ImageBuilder::ImageRecipe", "AWS::ImageBuilder::InfrastructureConfiguration",
    "AWS::SSM::Parameter",
})  # fmt: skip
_OTHER_NAMES = {"AWS::EFS::FileSystem": "FileSystemTags", "AWS::EFS::AccessPoint": "AccessPointTags"}
_UNTAGGED = frozenset({"AWS::CloudFormation::Stack", "AWS::EC2::LaunchTemplate"})
"""A nested stack takes its parent's tags; a launch template hands its own on (`instance_tags`)."""


def tag_everything(template: Any) -> None:
    for resource in template.resources.values():
        name = tag_property(resource)
        if name and name not in resource.properties:
            setattr(resource, name, _tags(resource))


def tag_property(resource: Any) -> str:
    """The property that holds the tags of this resource; empty where there is none."""
    if resource.resource_type in _UNTAGGED:
        return ""
    name = _OTHER_NAMES.get(resource.resource_type, "Tags")
    return name if name in resource.props else ""


def pairs(**more: Any) -> dict[str, Any]:
    return {ENVIRONMENT_TAG: Ref("Environment"), MANAGED_TAG: "true", **more}


def instance_tags(name: Any) -> list[Any]:
    """For a launch template: what its instances and their disks are called."""
    return [ec2.TagSpecifications(ResourceType=kind, Tags=Tags(Name=name, **pairs())) for kind in ("instance", "volume")]


def _tags(resource: Any) -> Any:
    if resource.resource_type in _MAPS:
        return pairs()
    if resource.resource_type == "AWS::AutoScaling::AutoScalingGroup":
        return [autoscaling.Tag(key, value, True) for key, value in pairs().items()]
    return Tags(**pairs())

"""Types the emulator only remembers: made, changed and deleted, with an ARN of the right form, but nothing happens by them.

A stub is honest about its properties: what AWS requires must be there, and what AWS would replace is replaced.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services.cloudformation import provisioners

from infra_gen.emulator.plugins.types.registry import Made, Properties, add

MADE: Any = AccountRegionScopedDict()


@dataclass(frozen=True)
class Stub:
    """`path` is the ARN's part after the account; `attributes` are further ids that Fn::GetAtt knows."""

    kind: str
    service: str
    path: str
    required: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    ref_is_name: bool = False


_NAMED = ("Name",)
_ASSOCIATED = ("ResourceArn", "WebACLArn")
_VERSIONED = ("Name", "Version")
_IB, _API = "imagebuilder", "apigateway"

STUBS = (
    Stub("AWS::CloudWatch::CompositeAlarm", "cloudwatch", "alarm:{name}", ("AlarmRule",), ("AlarmName",), ref_is_name=True),
    Stub("AWS::CloudWatch::AnomalyDetector", "cloudwatch", "anomaly-detector:{id}"),
    Stub("AWS::CloudWatch::InsightRule", "cloudwatch", "insight-rule/{name}", ("RuleName", "RuleBody"), ("RuleName",)),
    Stub("AWS::Logs::QueryDefinition", "logs", "query-definition:{id}", ("Name", "QueryString"), (), ("QueryDefinitionId",)),
    Stub("AWS::Logs::ResourcePolicy", "logs", "resource-policy:{name}", ("PolicyName", "PolicyDocument"), ("PolicyName",)),
    Stub("AWS::ImageBuilder::Component", _IB, "component/{name}/{version}/1", (*_VERSIONED, "Platform"), (*_VERSIONED, "Data")),
    Stub("AWS::ImageBuilder::ImageRecipe", _IB, "image-recipe/{name}/{version}", _VERSIONED, (*_VERSIONED, "ParentImage")),
    Stub("AWS::ImageBuilder::ContainerRecipe", _IB, "container-recipe/{name}/{version}", _VERSIONED, _VERSIONED),
    Stub("AWS::ImageBuilder::InfrastructureConfiguration", _IB, "infrastructure-configuration/{name}", _NAMED, _NAMED),
    Stub("AWS::ImageBuilder::DistributionConfiguration", _IB, "distribution-configuration/{name}", _NAMED, _NAMED),
    Stub("AWS::ImageBuilder::ImagePipeline", _IB, "image-pipeline/{name}", _NAMED, _NAMED),
    Stub("AWS::ImageBuilder::LifecyclePolicy", _IB, "lifecycle-policy/{name}", (*_NAMED, "ExecutionRole"), _NAMED),
    Stub("AWS::ImageBuilder::Image", _IB, "image/{name}/1.0.0/1", (), (), ("ImageId",)),
    Stub(
        "AWS::WAFv2::WebACLAssociation", "wafv2", "association/{id}", ("ResourceArn", "WebACLArn"), ("ResourceArn", "WebACLArn")
    ),
    Stub("AWS::WAFv2::LoggingConfiguration", "wafv2", "logging/{id}", ("ResourceArn",), ("ResourceArn",)),
    Stub("AWS::ApiGateway::VpcLink", _API, "vpclinks/{id}", ("Name", "TargetArns"), ("TargetArns",), ("VpcLinkId",)),
    Stub("AWS::ApiGatewayV2::VpcLink", _API, "vpclinks/{id}", ("Name", "SubnetIds"), ("SubnetIds",), ("VpcLinkId",)),
    Stub("AWS::SSM::Document", "ssm", "document/{name}", ("Content",), ("Name", "Content"), ref_is_name=True),
    Stub("AWS::ElastiCache::ServerlessCache", "elasticache", "serverlesscache:{id}", ("Engine", "ServerlessCacheName")),
    Stub("AWS::ResourceGroups::Group", "resource-groups", "group/{name}", _NAMED, _NAMED, ref_is_name=True),
    Stub("AWS::Budgets::Budget", "budgets", "budget/{name}", ("Budget",)),
    Stub("AWS::FIS::ExperimentTemplate", "fis", "experiment-template/{id}", ("Actions", "RoleArn", "StopConditions")),
)


def install() -> None:
    """Never over a type that ministack has, so that a newer ministack wins."""
    for stub in STUBS:
        if stub.kind not in provisioners._RESOURCE_HANDLERS:
            add(stub.kind, _create(stub), _delete, _update(stub))


def _create(stub: Stub) -> Callable[[str, Properties, str], Made]:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        missing = [name for name in stub.required if properties.get(name) in (None, "", [], {})]
        if missing:
            raise ValueError(f"Properties validation failed for resource {logical_id}: required key [{missing[0]}] not found")
        number = uuid.uuid4().hex[:12]
        named = (
            properties.get("Name")
            or properties.get("AlarmName")
            or properties.get("PolicyName")
            or f"{stack}-{logical_id}-{number}"
        )
        path = stub.path.format(name=named, id=number, version=properties.get("Version", "1.0.0"))
        region = "" if stub.service in ("budgets", "ce") else get_region()
        arn = f"arn:aws:{stub.service}:{region}:{get_account_id()}:{path}"
        MADE[arn] = {"type": stub.kind, **properties}
        attributes = {"Arn": arn, "Id": number, "Name": named} | dict.fromkeys(stub.attributes, number)
        return (named if stub.ref_is_name else arn), attributes

    return created


def _update(stub: Stub) -> Callable[..., Made]:
    create = _create(stub)

    def updated(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
        arn = _arn(physical_id)
        if arn is None or any(old.get(name) != new.get(name) for name in stub.replaced_by):
            made = create(logical_id or physical_id, new, stack)
            _delete(physical_id, old)
            return made
        MADE[arn] = {"type": stub.kind, **new}
        return physical_id, {"Arn": arn}

    return updated


def _delete(physical_id: str, _: Properties) -> None:
    MADE.pop(_arn(physical_id), None)


def _arn(physical_id: str) -> str | None:
    """Of a thing whose Ref is its name, too."""
    return next((arn for arn in MADE.keys() if arn == physical_id or arn.rsplit(":", 1)[-1].endswith(physical_id)), None)  # noqa: SIM118

"""The workers' machine image: a pipeline that makes it and writes its id into a parameter. It runs beside the stack, not in it.

What it installs is told by a parameter too, so that new code needs a new image but no new recipe.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: troposphere has no types

from troposphere import Equals, GetAtt, If, Ref, Select, Sub, iam, imagebuilder, ssm

from infra_gen.declare import begin, choice, finish, text
from infra_gen.names import role_path
from infra_gen.parameters import ARTEFACTS, BOUNDARY, ENVIRONMENT, K6_LAYER, RUNNER_GROUPS, RUNNER_SUBNETS, RUNNER_ZIP
from infra_gen.policies import Statement, objects, plain_trust, role
from infra_gen.skips import WRITES

COMPONENT = Path(__file__).resolve().parents[1] / "worker_image.yml"
NOT_YET = "none: run the image pipeline"
BUILDER = "c6i.large"
DISK_GB = 30


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    boundary: Any = BOUNDARY
    rebuild: Any = choice(
        "ImageSchedule", "Whether the image is made anew every week, with the system's updates.", "never", "weekly"
    )
    artefacts: Any = ARTEFACTS
    code: Any = RUNNER_ZIP
    layer: Any = K6_LAYER
    subnets: Any = RUNNER_SUBNETS
    groups: Any = RUNNER_GROUPS
    engine: Any = text(
        "EnginesZipKey", "Key of the lock file that the image's Artillery is installed from; empty: k6 only.", Default=""
    )


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: the workers' machine image.", p)
    template.add_condition("Weekly", Equals(Ref(p.rebuild), "weekly"))
    _parameters(template, p)
    _role(template)
    _recipe(template, p)
    _pipeline(template, p)
    return finish(template, [
        ("WorkerImageParameter", "Name of the parameter that holds the image's id.", Ref("ImageId")),
        ("ImagePipelineArn", "The pipeline that makes the image.", Ref("Pipeline")),
    ])  # fmt: skip


def _parameters(template: Any, p: Parameters) -> None:
    """Image Builder may write parameters under /imagebuilder/ without further ado. We never change the value again ourselves."""
    template.add_resource(
        ssm.Parameter("ImageId", Name=Sub("/imagebuilder/knopfdruck/${Environment}/worker"), Type="String", Value=NOT_YET,
                      Description="Id of the workers' machine image; the image pipeline writes it.")
    )  # fmt: skip
    template.add_resource(
        ssm.Parameter("Content", Name=Sub("/knopfdruck/${Environment}/worker-image"), Type="String",
                      Description="What the next machine image is made of.",
                      Value=Sub("${ArtefactBucket} ${RunnerZipKey} ${K6LayerKey} ${EnginesZipKey}"))
    )  # fmt: skip


def _role(template: Any) -> None:
    """What the instance may do that the image is made on."""
    agent = ("ssm:UpdateInstanceInformation", "ssm:ListInstanceAssociations", "ssmmessages:CreateControlChannel",
             "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
             "ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages",
             "ec2messages:SendReply", "ec2messages:FailMessage")  # fmt: skip
    statements = [
        Statement("Manage", agent, ["*"], reason="Image Builder works through Systems Manager's agent, which names no resource."),
        Statement("Component", ("imagebuilder:GetComponent",), [GetAtt("Component", "Arn")]),
        Statement("Content", ("ssm:GetParameter",), [_parameter_arn()]),
        Statement("Code", ("s3:GetObject",), [objects("ArtefactBucket", "")], reason="Artefacts are named by their digests."),
    ]
    template.add_resource(role("BuilderRole", plain_trust("ec2"), statements, skips=(WRITES,)))
    template.add_resource(iam.InstanceProfile("BuilderProfile", Path=role_path(), Roles=[Ref("BuilderRole")]))


def _parameter_arn() -> Any:
    return Sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${Content}")


def _recipe(template: Any, p: Parameters) -> None:
    """Both are never changed, only replaced: their version is made of their content."""
    data = COMPONENT.read_text()
    name, version = Sub("knopfdruck-${Environment}-worker"), version_of(data)
    template.add_resource(
        imagebuilder.Component("Component", Name=name, Platform="Linux", Version=version, Data=Sub(data),
                               Description="k6, Artillery and the agent, on a kernel tuned for many connections.")
    )  # fmt: skip
    disk = imagebuilder.EbsInstanceBlockDeviceSpecification(VolumeSize=DISK_GB, VolumeType="gp3", DeleteOnTermination=True,
                                                            Encrypted=True)  # fmt: skip
    parent = "arn:${AWS::Partition}:imagebuilder:${AWS::Region}:aws:image/amazon-linux-2023-x86/x.x.x"
    template.add_resource(
        imagebuilder.ImageRecipe(
            "Recipe", Name=name, Version=version, ParentImage=Sub(parent),
            Components=[imagebuilder.ComponentConfiguration(ComponentArn=Ref("Component"))],
            BlockDeviceMappings=[imagebuilder.InstanceBlockDeviceMapping(DeviceName="/dev/xvda", Ebs=disk)],
        )
    )  # fmt: skip


def version_of(data: str) -> str:
    """Other content, other version; Image Builder refuses a version that is there already."""
    digest = hashlib.sha256(data.encode()).digest()
    return f"1.{int.from_bytes(digest[:3], 'big')}.{int.from_bytes(digest[3:6], 'big')}"


def _pipeline(template: Any, p: Parameters) -> None:
    name = Sub("knopfdruck-${Environment}-worker")
    template.add_resource(
        imagebuilder.InfrastructureConfiguration(
            "Builder", Name=name, InstanceProfileName=Ref("BuilderProfile"), SubnetId=Select(0, Ref(p.subnets)),
            SecurityGroupIds=Ref(p.groups), InstanceTypes=[BUILDER],
            InstanceMetadataOptions=imagebuilder.InstanceMetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=1),
            TerminateInstanceOnFailure=True,
        )
    )  # fmt: skip
    told = imagebuilder.SsmParameterConfiguration(ParameterName=Ref("ImageId"), DataType="text")
    ami = imagebuilder.AmiDistributionConfiguration(Name=Sub("knopfdruck-${Environment}-{{ imagebuilder:buildDate }}"))
    template.add_resource(
        imagebuilder.DistributionConfiguration("Distribution", Name=name, Distributions=[imagebuilder.Distribution(
            Region=Ref("AWS::Region"), AmiDistributionConfiguration=ami, SsmParameterConfigurations=[told])])
    )  # fmt: skip
    template.add_resource(
        imagebuilder.ImagePipeline(
            "Pipeline", Name=name, ImageRecipeArn=Ref("Recipe"), InfrastructureConfigurationArn=Ref("Builder"),
            DistributionConfigurationArn=Ref("Distribution"), EnhancedImageMetadataEnabled=False, Status="ENABLED",
            Schedule=If("Weekly", _WEEKLY, Ref("AWS::NoValue")),
        )
    )  # fmt: skip


_WEEKLY = imagebuilder.Schedule(ScheduleExpression="cron(0 3 ? * sun *)", PipelineExecutionStartCondition="EXPRESSION_MATCH_ONLY")

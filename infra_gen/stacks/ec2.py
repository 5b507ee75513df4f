"""Massive load on EC2: a group of instances over all zones, mostly on Spot, that is empty until a run needs it.

What an instance runs is in its image; the pipeline in `ec2_image` makes it and writes its id where the template looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: troposphere has no types

from troposphere import Base64, Equals, If, Join, Ref, Sub, autoscaling, ec2

from infra_gen.declare import begin, choice, finish, is_on, number, switch, text
from infra_gen.log_groups import kept_logs
from infra_gen.names import EC2_GROUP
from infra_gen.parameters import ENVIRONMENT, PUBLIC_IP, RETENTION, RUNNER_GROUPS, RUNNER_SUBNETS, STORE
from infra_gen.skips import CODED_PUBLIC, skip
from infra_gen.tags import instance_tags, pairs

USER_DATA = Path(__file__).resolve().parents[2] / "runner_images" / "ec2" / "user_data.sh"
MOST_USER_DATA = 16_384
FAMILIES = ("c7i", "c6i", "c7a", "c6a", "m7i", "m6i")
"""Six kinds are six pools of Spot: what one runs out of, another may have."""
PLAIN_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""Auto Scaling refuses a template without an image that exists, also for a group that is empty."""
HOOK_SECONDS, BUSY_PERCENT, DISK_GB, IDLE_TRACKING_SECONDS = 300, 70.0, 30, 120


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    store: Any = STORE
    profile: Any = text("InstanceProfileArn", "Role of the workers, as instances take it.")
    subnets: Any = RUNNER_SUBNETS
    groups: Any = RUNNER_GROUPS
    public_ip: Any = PUBLIC_IP
    image: Any = text("WorkerImageParameter", "Name of the parameter that holds the id of the workers' image.")
    ready: Any = switch(
        "WorkerImageReady", "Whether the image pipeline has made an image; before that instances start without our code."
    )
    size: Any = choice("WorkerSize", "Size of a worker.", "2xlarge", "large", "xlarge", "4xlarge", "8xlarge")
    most: Any = number("WorkersMost", "Workers the group may grow to.", default=20, least=1, most=1000)
    base: Any = number("OnDemandBase", "Workers that are never on Spot.", default=2, least=0, most=1000)
    percent: Any = number("OnDemandPercent", "Share of the others that is not on Spot.", default=0, least=0, most=100)
    idle: Any = number(
        "IdleMinutes", "After how many minutes without work an instance ends itself.", default=15, least=5, most=720
    )
    retention: Any = RETENTION


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: massive load on EC2.", p)
    is_on(template, "HasImage", p.ready)
    template.add_condition("PublicIp", Equals(Ref(p.public_ip), "ENABLED"))
    template.add_resource(kept_logs("Logs", "ec2", p.retention))
    _launch_template(template, p)
    _group(template, p)
    _growth(template)
    return finish(template, [("WorkerGroupName", "The group of instances.", Ref("Workers"))])


def _launch_template(template: Any, p: Parameters) -> None:
    disk = ec2.EBSBlockDevice(VolumeSize=DISK_GB, VolumeType="gp3", Encrypted=True, DeleteOnTermination=True)
    card = ec2.NetworkInterfaces(
        DeviceIndex=0, Groups=Ref(p.groups), DeleteOnTermination=True, AssociatePublicIpAddress=If("PublicIp", True, False),
        ConnectionTrackingSpecification=ec2.ConnectionTrackingSpecification(TcpEstablishedTimeout=IDLE_TRACKING_SECONDS),
    )  # fmt: skip
    template.add_resource(
        ec2.LaunchTemplate(
            "Worker", Metadata=skip(CODED_PUBLIC), LaunchTemplateData=ec2.LaunchTemplateData(
                ImageId=If("HasImage", Sub("resolve:ssm:${WorkerImageParameter}"), f"resolve:ssm:{PLAIN_IMAGE}"),
                IamInstanceProfile=ec2.IamInstanceProfile(Arn=Ref(p.profile)),
                UserData=user_data(p), InstanceInitiatedShutdownBehavior="terminate", NetworkInterfaces=[card],
                MetadataOptions=ec2.MetadataOptions(HttpEndpoint="enabled", HttpTokens="required", HttpPutResponseHopLimit=1,
                                                    InstanceMetadataTags="enabled"),
                BlockDeviceMappings=[ec2.LaunchTemplateBlockDeviceMapping(DeviceName="/dev/xvda", Ebs=disk)],
                Monitoring=ec2.Monitoring(Enabled=True), EbsOptimized=True,
                TagSpecifications=instance_tags(Sub("knopfdruck-${Environment}-worker"))),
        )
    )  # fmt: skip


def user_data(p: Parameters) -> Any:
    """The script of the runner's, with the words it leaves open. AWS takes no more than 16 KB of it."""
    script = USER_DATA.read_text()
    words = {
        "KnopfdruckStore": Ref(p.store), "KnopfdruckGroup": EC2_GROUP, "KnopfdruckIdleMinutes": Ref(p.idle),
        "KnopfdruckEnvironment": Ref(p.environment),
    }  # fmt: skip
    return Base64(Sub(script, **{word: value for word, value in words.items() if f"${{{word}}}" in script}))


def _group(template: Any, p: Parameters) -> None:
    """Workers are ended by name, never by the group's choice: it cannot know which of them works."""
    template.add_resource(
        autoscaling.AutoScalingGroup(
            "Workers", MinSize="0", MaxSize=Ref(p.most), VPCZoneIdentifier=Ref(p.subnets), MixedInstancesPolicy=_mix(p),
            CapacityRebalance=True, HealthCheckType="EC2", HealthCheckGracePeriod=300,
            DefaultInstanceWarmup=60, MetricsCollection=[autoscaling.MetricsCollection(Granularity="1Minute")],
            LifecycleHookSpecificationList=[_hook("boot", "LAUNCHING"), _hook("drain", "TERMINATING")],
            Tags=[autoscaling.Tag(key, value, True) for key, value in pairs().items()],
        )
    )  # fmt: skip


def _mix(p: Parameters) -> Any:
    latest = autoscaling.LaunchTemplateSpecification(LaunchTemplateId=Ref("Worker"), Version=Sub("${Worker.LatestVersionNumber}"))
    kinds = [autoscaling.LaunchTemplateOverrides(InstanceType=Join(".", [family, Ref(p.size)])) for family in FAMILIES]
    return autoscaling.MixedInstancesPolicy(
        LaunchTemplate=autoscaling.LaunchTemplate(LaunchTemplateSpecification=latest, Overrides=kinds),
        InstancesDistribution=autoscaling.InstancesDistribution(
            OnDemandBaseCapacity=Ref(p.base), OnDemandPercentageAboveBaseCapacity=Ref(p.percent),
            OnDemandAllocationStrategy="lowest-price", SpotAllocationStrategy="price-capacity-optimized"),
    )  # fmt: skip


def _hook(name: str, when: str) -> Any:
    """CONTINUE: a worker that says nothing works all the same, and one that is to end does so."""
    return autoscaling.LifecycleHookSpecification(
        LifecycleHookName=name, LifecycleTransition=f"autoscaling:EC2_INSTANCE_{when}", HeartbeatTimeout=HOOK_SECONDS,
        DefaultResult="CONTINUE",
    )  # fmt: skip


def _growth(template: Any) -> None:
    """It only adds: a run that saturates its workers gets spares, and whoever is done ends itself."""
    cpu = autoscaling.PredefinedMetricSpecification(PredefinedMetricType="ASGAverageCPUUtilization")
    template.add_resource(
        autoscaling.ScalingPolicy(
            "Growth", AutoScalingGroupName=Ref("Workers"), PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration=autoscaling.TargetTrackingConfiguration(
                PredefinedMetricSpecification=cpu, TargetValue=BUSY_PERCENT, DisableScaleIn=True),
        )
    )  # fmt: skip

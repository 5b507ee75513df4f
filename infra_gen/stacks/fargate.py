"""Artillery on Fargate, for hours and days: a cluster, a task for bounded runs, and an elastic pool of workers.

A bounded run is started task by task: no scheduler then replaces a worker that is done. The pool is a service that grows with
its load; its workers protect themselves while they work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Ref, Sub, ecs, iam
from troposphere import applicationautoscaling as scaling
from troposphere import elasticloadbalancingv2 as balancing

from infra_gen.container import RESULTS_FOLDER, SCRIPTS_FOLDER, Volume, agent
from infra_gen.declare import begin, choice, finish, is_given, is_on, number, optional, switch, text
from infra_gen.log_groups import kept_logs
from infra_gen.names import AGENT_CONTAINER, FARGATE_GROUP, HEALTH_PORT
from infra_gen.parameters import (
    ENVIRONMENT,
    PUBLIC_IP,
    RETENTION,
    RUNNER_GROUPS,
    RUNNER_REPOSITORY,
    RUNNER_SUBNETS,
    STORE,
    TOPIC,
    VPC,
)  # fmt: skip
from infra_gen.policies import Statement, policy, reasons
from infra_gen.skips import INSIGHTS, INTERNAL, PLAIN_HTTP, WRITABLE_ROOT, skip

BUSY_PERCENT, CALM_SECONDS, RUSH_SECONDS = 60.0, 300, 30


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    image: Any = optional("RunnerImage", "The worker's image with its digest; empty: the latest one in our repository.")
    repository: Any = RUNNER_REPOSITORY
    role: Any = text("TaskRoleArn", "Role of the worker.")
    role_name: Any = text("TaskRoleName", "The same, by name.")
    execution: Any = text("ExecutionRoleArn", "Role of ECS, before the worker starts.")
    store: Any = STORE
    topic: Any = TOPIC
    files: Any = text("FileSystemId", "EFS.")
    scripts: Any = text("ScriptsAccessPointId", "Scripts on EFS.")
    outcomes: Any = text("ResultsAccessPointId", "Results on EFS.")
    cpu: Any = choice("TaskCpu", "Processor units of a worker; 1024 are one processor.", "2048", "1024", "4096", "8192")
    memory: Any = choice("TaskMemory", "Megabytes of a worker; what fits TaskCpu.", "4096", "8192", "16384", "32768")
    pool_least: Any = number("PoolLeast", "Workers of the pool that always wait.", default=0, least=0, most=500)
    pool_most: Any = number("PoolMost", "Workers the pool may grow to.", default=10, least=1, most=500)
    slots: Any = number("PoolSlots", "Parts of a load that a worker of the pool makes at once, each in a process of its own.",
                        default=4, least=1, most=16)  # fmt: skip
    spot: Any = number("PoolSpotWeight", "Workers of the pool on Fargate Spot for each one that is not; Spot may be taken away.",
                       default=1, least=0, most=20)  # fmt: skip
    balancer: Any = switch("PoolBalancer", "Whether a load balancer asks the pool's workers how they are; it costs by the hour.")
    vpc: Any = VPC
    subnets: Any = RUNNER_SUBNETS
    groups: Any = RUNNER_GROUPS
    health_group: Any = text("HealthBalancerSecurityGroupId", "Group of that load balancer.")
    public_ip: Any = PUBLIC_IP
    retention: Any = RETENTION


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: Artillery on Fargate.", p)
    is_given(template, "HasImage", p.image)
    is_on(template, "HasBalancer", p.balancer)
    template.add_resource(kept_logs("Logs", "fargate", p.retention))
    _cluster(template)
    template.add_resource(_task(p, "Artillery", "task", ["python", "-m", "runner_images.task"]))
    waiting = ["python", "-m", "runner_images.pool", "--group", FARGATE_GROUP]
    template.add_resource(_task(p, "PoolTask", "pool", waiting, {"KNOPFDRUCK_POOL_SLOTS": Ref(p.slots)}))
    _health(template, p)
    _pool(template, p)
    _growth(template, p)
    _protection(template, p)
    return finish(template, [
        ("ClusterName", "The cluster.", Ref("Cluster")),
        ("ClusterArn", "The same, as policies name it.", GetAtt("Cluster", "Arn")),
        ("ArtilleryTaskDefinitionArn", "The task, with its revision.", Ref("Artillery")),
        ("PoolServiceName", "The pool.", GetAtt("Pool", "Name")),
        ("PoolServiceArn", "The same, as policies name it.", Ref("Pool")),
    ])  # fmt: skip


def _cluster(template: Any) -> None:
    template.add_resource(
        ecs.Cluster("Cluster", CapacityProviders=["FARGATE", "FARGATE_SPOT"], Metadata=skip(INSIGHTS),
                    DefaultCapacityProviderStrategy=[ecs.CapacityProviderStrategyItem(CapacityProvider="FARGATE", Weight=1)])
    )  # fmt: skip


def _task(p: Parameters, title: str, stream: str, command: list[str], own: Mapping[str, Any] | None = None) -> Any:
    volumes = (
        Volume("scripts", Ref(p.scripts), SCRIPTS_FOLDER, read_only=True),
        Volume("results", Ref(p.outcomes), RESULTS_FOLDER),
    )
    image = If("HasImage", Ref(p.image), Sub("${RunnerRepositoryUri}:latest"))
    variables = {"KNOPFDRUCK_STORE": Ref(p.store), "KNOPFDRUCK_ENVIRONMENT": Ref(p.environment), "KNOPFDRUCK_TOPIC": Ref(p.topic)}
    variables |= own or {}
    return ecs.TaskDefinition(
        title, RequiresCompatibilities=["FARGATE"], NetworkMode="awsvpc", Cpu=Ref(p.cpu), Memory=Ref(p.memory),
        TaskRoleArn=Ref(p.role), ExecutionRoleArn=Ref(p.execution), Volumes=[each.of(Ref(p.files)) for each in volumes],
        ContainerDefinitions=[agent(image, command, variables, volumes, group=Ref("Logs"), stream=stream)],
        Metadata=skip(WRITABLE_ROOT),
    )  # fmt: skip


def _health(template: Any, p: Parameters) -> None:
    """A balancer that carries no load: it takes workers out that say they are not well, and ECS replaces them."""
    template.add_resource(
        balancing.LoadBalancer("HealthBalancer", Condition="HasBalancer", Type="network", Scheme="internal",
                               Subnets=Ref(p.subnets), SecurityGroups=[Ref(p.health_group)], Metadata=skip(*INTERNAL))
    )  # fmt: skip
    template.add_resource(
        balancing.TargetGroup(
            "PoolTargets", Condition="HasBalancer", VpcId=Ref(p.vpc), TargetType="ip", Protocol="TCP", Port=HEALTH_PORT,
            HealthCheckProtocol="HTTP", HealthCheckPath="/healthz", HealthCheckIntervalSeconds=10, UnhealthyThresholdCount=3,
            TargetGroupAttributes=[balancing.TargetGroupAttribute(Key="deregistration_delay.timeout_seconds", Value="120")],
        )
    )  # fmt: skip
    forward = balancing.Action(Type="forward", TargetGroupArn=Ref("PoolTargets"))
    template.add_resource(
        balancing.Listener("PoolListener", Condition="HasBalancer", LoadBalancerArn=Ref("HealthBalancer"), Port=HEALTH_PORT,
                           Protocol="TCP", DefaultActions=[forward], Metadata=skip(PLAIN_HTTP))
    )  # fmt: skip


def _pool(template: Any, p: Parameters) -> None:
    target = ecs.LoadBalancer(ContainerName=AGENT_CONTAINER, ContainerPort=HEALTH_PORT, TargetGroupArn=Ref("PoolTargets"))
    place = ecs.AwsvpcConfiguration(Subnets=Ref(p.subnets), SecurityGroups=Ref(p.groups), AssignPublicIp=Ref(p.public_ip))
    template.add_resource(
        ecs.Service(
            "Pool", Cluster=Ref("Cluster"), TaskDefinition=Ref("PoolTask"), DesiredCount=Ref(p.pool_least),
            NetworkConfiguration=ecs.NetworkConfiguration(AwsvpcConfiguration=place), CapacityProviderStrategy=_on_spot(p),
            LoadBalancers=If("HasBalancer", [target], Ref("AWS::NoValue")), AvailabilityZoneRebalancing="DISABLED",
            DeploymentConfiguration=ecs.DeploymentConfiguration(
                MinimumHealthyPercent=100, MaximumPercent=200,
                DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True)),
            PropagateTags="SERVICE", EnableECSManagedTags=True,
        )
    )  # fmt: skip


def _on_spot(p: Parameters) -> list[Any]:
    return [
        ecs.CapacityProviderStrategyItem(CapacityProvider="FARGATE_SPOT", Weight=Ref(p.spot)),
        ecs.CapacityProviderStrategyItem(CapacityProvider="FARGATE", Weight=1),
    ]


def _growth(template: Any, p: Parameters) -> None:
    template.add_resource(
        scaling.ScalableTarget(
            "PoolSize", ServiceNamespace="ecs", ScalableDimension="ecs:service:DesiredCount", MinCapacity=Ref(p.pool_least),
            MaxCapacity=Ref(p.pool_most), ResourceId=Sub("service/${Cluster}/${Pool.Name}"),
        )
    )  # fmt: skip
    cpu = scaling.PredefinedMetricSpecification(PredefinedMetricType="ECSServiceAverageCPUUtilization")
    template.add_resource(
        scaling.ScalingPolicy(
            "PoolGrowth", PolicyName="cpu", PolicyType="TargetTrackingScaling", ScalingTargetId=Ref("PoolSize"),
            TargetTrackingScalingPolicyConfiguration=scaling.TargetTrackingScalingPolicyConfiguration(
                PredefinedMetricSpecification=cpu, TargetValue=BUSY_PERCENT, ScaleInCooldown=CALM_SECONDS,
                ScaleOutCooldown=RUSH_SECONDS),
        )
    )  # fmt: skip


def _protection(template: Any, p: Parameters) -> None:
    """A worker of the pool says itself that it must not be taken away now."""
    tasks = Sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/${Cluster}/*")
    mine = Statement("Protect", ("ecs:GetTaskProtection", "ecs:UpdateTaskProtection"), [tasks],
                     reason="Tasks of one cluster: their ids are made when they start.")  # fmt: skip
    template.add_resource(
        iam.PolicyType("ProtectionPolicy", PolicyName="protection", Roles=[Ref(p.role_name)], PolicyDocument=policy(mine),
                       Metadata=reasons([mine]))
    )  # fmt: skip

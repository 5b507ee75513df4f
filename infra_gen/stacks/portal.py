"""The portal on Fargate: a web service behind a load balancer, and one task with the queue and the ticker.

Runs outlive all of it: workers meet the portal in the run store only, and a portal that comes back goes on watching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Ref, Sub, ecs

from infra_gen.container import log_to
from infra_gen.declare import begin, choice, finish, is_given, number, optional, text
from infra_gen.front_door import front_door
from infra_gen.log_groups import kept_logs
from infra_gen.names import PORTAL_PORT, log_group
from infra_gen.parameters import (
    BOUNDARY,
    ENVIRONMENT,
    LAUNCHER,
    PORTAL_URL,
    PUBLIC_IP,
    RETENTION,
    RUNNER_SUBNETS,
    SETTINGS,
    STORE,
    STORE_POLICY,
    VPC,
)
from infra_gen.policies import OUR_ROLES, Statement, role, trust
from infra_gen.policies import logs as writing
from infra_gen.skips import INSIGHTS, WRITABLE_ROOT, skip

WEB = ("python", "manage.py", "portal", "--only", "web")
WORK = ("python", "manage.py", "portal", "--only", "queue", "--only", "ticker")


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    boundary: Any = BOUNDARY
    image: Any = optional("PortalImage", "The portal's image with its digest; empty: the latest one in our repository.")
    repository: Any = text("PortalRepositoryUri", "Repository of the portal's image.")
    repository_arn: Any = text("PortalRepositoryArn", "The same, as policies name it.")
    store: Any = STORE
    settings: Any = SETTINGS
    store_policy: Any = STORE_POLICY
    launcher: Any = LAUNCHER
    size: Any = choice("PortalCpu", "Processor units of a portal task; it has twice as many megabytes.", "512", "1024", "2048")
    memory: Any = choice("PortalMemory", "Megabytes of a portal task.", "1024", "2048", "4096")
    count: Any = number("PortalCount", "How many web tasks serve the portal.", default=1, least=1, most=10)
    url: Any = PORTAL_URL
    certificate: Any = optional("CertificateArn", "Certificate of that address; empty: plain http.", AllowedPattern="^(arn:.+)?$")
    scheme: Any = choice("PortalScheme", "Whether the portal can be reached from the internet.", "internet-facing", "internal")
    vpc: Any = VPC
    public: Any = text("PublicSubnetIds", "Subnets of the load balancer.")
    subnets: Any = RUNNER_SUBNETS
    public_ip: Any = PUBLIC_IP
    group: Any = text("PortalSecurityGroupId", "Group of the portal.")
    front_group: Any = text("BalancerSecurityGroupId", "Group of the load balancer.")
    retention: Any = RETENTION
    protect: bool = False


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: the portal.", p)
    for name, parameter in (("HasImage", p.image), ("HasUrl", p.url), ("HasCertificate", p.certificate)):
        is_given(template, name, parameter)
    template.add_resource(kept_logs("Logs", "portal", p.retention))
    template.add_resource(ecs.Cluster("Cluster", CapacityProviders=["FARGATE"], Metadata=skip(INSIGHTS)))
    _roles(template, p)
    front_door(template, p)
    _tasks(template, p)
    _services(template, p)
    return finish(template, [
        ("PortalUrl", "The portal.", _address(p)),
        ("PortalClusterName", "Where the portal runs.", Ref("Cluster")),
        ("PortalBalancerName", "The load balancer, as metrics name it.", GetAtt("Balancer", "LoadBalancerFullName")),
        ("PortalTargetsName", "Its targets, as metrics name them.", GetAtt("Targets", "TargetGroupFullName")),
    ])  # fmt: skip


def _address(p: Parameters) -> Any:
    own = If("HasCertificate", Sub("https://${Balancer.DNSName}"), Sub("http://${Balancer.DNSName}"))
    return If("HasUrl", Ref(p.url), own)


def _roles(template: Any, p: Parameters) -> None:
    pull = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
    before = [
        Statement("LogIn", ("ecr:GetAuthorizationToken",), ["*"], reason="ECR knows no resource here."),
        Statement("Pull", pull, [Ref(p.repository_arn)]),
        Statement("Settings", ("secretsmanager:GetSecretValue",), [Ref(p.settings)]),
        writing(log_group("portal")),
    ]
    template.add_resource(role("ExecutionRole", trust("ecs-tasks"), before))
    why = "Environments of other accounts name a role there; it says whom it trusts, and by which word."
    elsewhere = Statement("OtherAccounts", ("sts:AssumeRole",), [OUR_ROLES], reason=why)
    template.add_resource(
        role("PortalRole", trust("ecs-tasks"), [elsewhere], ManagedPolicyArns=[Ref(p.store_policy), Ref(p.launcher)])
    )


def _tasks(template: Any, p: Parameters) -> None:
    """The web task prepares the database; queue and ticker try again until it has."""
    web = _container(p, "web", WEB, PortMappings=[ecs.PortMapping(ContainerPort=PORTAL_PORT, Protocol="tcp")])
    for title, container in (("Web", web), ("Work", _container(p, "work", WORK))):
        template.add_resource(
            ecs.TaskDefinition(
                f"{title}Task", RequiresCompatibilities=["FARGATE"], NetworkMode="awsvpc", Cpu=Ref(p.size), Memory=Ref(p.memory),
                TaskRoleArn=GetAtt("PortalRole", "Arn"), ExecutionRoleArn=GetAtt("ExecutionRole", "Arn"),
                ContainerDefinitions=[container], Metadata=skip(WRITABLE_ROOT),
            )
        )  # fmt: skip


def _container(p: Parameters, name: str, command: tuple[str, ...], **more: Any) -> Any:
    variables = {
        "KNOPFDRUCK_STORE": Ref(p.store), "KNOPFDRUCK_PUBLIC_URL": _address(p), "KNOPFDRUCK_BIND": f"0.0.0.0:{PORTAL_PORT}",
        "KNOPFDRUCK_PROXIES": "1", "KNOPFDRUCK_ALLOWED_HOSTS": "*",
    }  # fmt: skip
    secrets = [ecs.Secret(Name=key, ValueFrom=Sub(f"${{PortalSettingsArn}}:{key}::")) for key in ("DATABASE_URL", "SECRET_KEY")]
    return ecs.ContainerDefinition(
        Name=name, Image=If("HasImage", Ref(p.image), Sub("${PortalRepositoryUri}:latest")), Essential=True,
        Command=list(command), Environment=[ecs.Environment(Name=key, Value=value) for key, value in variables.items()],
        Secrets=secrets, StopTimeout=60, LogConfiguration=log_to(Ref("Logs"), name),
        LinuxParameters=ecs.LinuxParameters(InitProcessEnabled=True, Capabilities=ecs.KernelCapabilities(Drop=["ALL"])), **more,
    )  # fmt: skip


def _services(template: Any, p: Parameters) -> None:
    place = ecs.AwsvpcConfiguration(Subnets=Ref(p.subnets), SecurityGroups=[Ref(p.group)], AssignPublicIp=Ref(p.public_ip))
    breaker = ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True)
    common = {"Cluster": Ref("Cluster"), "LaunchType": "FARGATE", "PropagateTags": "SERVICE", "EnableECSManagedTags": True,
              "NetworkConfiguration": ecs.NetworkConfiguration(AwsvpcConfiguration=place)}  # fmt: skip
    target = ecs.LoadBalancer(ContainerName="web", ContainerPort=PORTAL_PORT, TargetGroupArn=Ref("Targets"))
    rolling = ecs.DeploymentConfiguration(MinimumHealthyPercent=100, MaximumPercent=200, DeploymentCircuitBreaker=breaker)
    template.add_resource(
        ecs.Service("WebService", TaskDefinition=Ref("WebTask"), DesiredCount=Ref(p.count), LoadBalancers=[target],
                    HealthCheckGracePeriodSeconds=120, DeploymentConfiguration=rolling, DependsOn="HttpListener", **common)
    )  # fmt: skip
    template.add_resource(
        ecs.Service(
            "WorkService",
            TaskDefinition=Ref("WorkTask"),
            DesiredCount=1,
            DeploymentConfiguration=rolling,
            DependsOn="WebService",
            **common,
        )
    )

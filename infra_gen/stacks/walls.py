"""Security groups: who may talk to whom inside the VPC. Nothing is open to the world but the portal's load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, Ref, ec2

from infra_gen.declare import begin, finish, text
from infra_gen.names import HEALTH_PORT, PORTAL_PORT
from infra_gen.parameters import ENVIRONMENT, VPC

POSTGRES, NFS = 5432, 2049
EVERYWHERE = "0.0.0.0/0"
CIDR = r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    vpc: Any = VPC
    targets: Any = text("RunnerEgressCidr", "Addresses load may go to. Narrow it to your targets where S3 has its endpoint.",
                        Default=EVERYWHERE, AllowedPattern=CIDR)  # fmt: skip
    visitors: Any = text("PortalIngressCidr", "Addresses that may open the portal.", Default="10.0.0.0/8", AllowedPattern=CIDR)


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: security groups.", p)
    add = template.add_resource
    add(
        _group(
            p,
            "Balancer",
            "Load balancer of the portal.",
            [_from("PortalIngressCidr", 443, "Browsers."), _from("PortalIngressCidr", 80, "Browsers without a certificate.")],
        )
    )
    add(_group(p, "Portal", "Web, queue and ticker of the portal.", [_inside("Balancer", PORTAL_PORT, "Web.")]))
    add(_group(p, "Api", "Function of the API.", []))
    add(_group(p, "HealthBalancer", "Asks workers of the pool how they are.", []))
    add(
        _group(
            p,
            "Runner",
            "Workers: load goes out, only health questions come in.",
            [_inside("HealthBalancer", HEALTH_PORT, "How the agent is.")],
            out=Ref(p.targets),
        )
    )
    add(_group(p, "FileSystem", "Scripts and results on EFS.", [_inside("Runner", NFS, "Workers mount it.")], out="127.0.0.1/32"))
    add(_group(p, "Database", "PostgreSQL.", [_inside("Portal", POSTGRES, "The portal."), _inside("Api", POSTGRES, "The API.")],
               out="127.0.0.1/32"))  # fmt: skip
    return finish(template, [
        ("RunnerSecurityGroupIds", "Group of the workers.", _id("Runner")),
        ("PortalSecurityGroupId", "Group of the portal.", _id("Portal")),
        ("BalancerSecurityGroupId", "Group of the portal's load balancer.", _id("Balancer")),
        ("HealthBalancerSecurityGroupId", "Group of the pool's load balancer.", _id("HealthBalancer")),
        ("ApiSecurityGroupId", "Group of the API's function.", _id("Api")),
        ("FileSystemSecurityGroupId", "Group of EFS.", _id("FileSystem")),
        ("DatabaseSecurityGroupId", "Group of the database.", _id("Database")),
    ])  # fmt: skip


def _group(p: Parameters, name: str, what: str, inwards: list[Any], *, out: Any = EVERYWHERE) -> Any:
    """`out` of 127.0.0.1/32 means nowhere: an empty list would mean everywhere."""
    return ec2.SecurityGroup(
        f"{name}Group", GroupDescription=what, VpcId=Ref(p.vpc), SecurityGroupIngress=inwards,
        SecurityGroupEgress=[ec2.SecurityGroupRule(IpProtocol="-1", CidrIp=out, Description="Where it may go.")],
    )  # fmt: skip


def _from(parameter: str, port: int, what: str) -> Any:
    return ec2.SecurityGroupRule(IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=Ref(parameter), Description=what)


def _inside(name: str, port: int, what: str) -> Any:
    return ec2.SecurityGroupRule(IpProtocol="tcp", FromPort=port, ToPort=port, SourceSecurityGroupId=_id(name), Description=what)


def _id(name: str) -> Any:
    return GetAtt(f"{name}Group", "GroupId")

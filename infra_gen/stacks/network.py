"""Where everything runs: a VPC of our own, or one that is there. Public subnets for load, private ones for data.

Workers are in public subnets unless RunnerSubnets says private: NAT costs more than the machines behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import And, Cidr, Condition, Equals, GetAZs, If, Join, Not, Ref, Select, Sub, Tags, ec2

from infra_gen.declare import begin, choice, finish, is_given, optional, text
from infra_gen.parameters import ENVIRONMENT, ZONES
from infra_gen.skips import GIVEN_ADDRESS, skip
from infra_gen.tags import pairs

LETTERS = ("A", "B", "C")
BLOCKS, HOST_BITS = 8, 12
"""The VPC's range is cut into eight: three public subnets, three private ones, two are free."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the network must be told."""

    environment: Any = ENVIRONMENT
    zones: Any = ZONES
    cidr: Any = text("VpcCidr", "Addresses of the new VPC; each subnet has 4,091 of them.", Default="10.70.0.0/16",
                     AllowedPattern=r"^(\d{1,3}\.){3}\d{1,3}/1[67]$")  # fmt: skip
    runner_subnets: Any = choice("RunnerSubnets", "Where workers run: public is cheaper, private has NAT and fixed addresses.",
                                 "public", "private")  # fmt: skip
    vpc: Any = optional("ExistingVpcId", "A VPC to use; empty: make one.", AllowedPattern="^(vpc-[0-9a-f]+)?$")
    public: Any = optional("ExistingPublicSubnetIds", "Its public subnets, with commas; as many as Zones says.")
    private: Any = optional("ExistingPrivateSubnetIds", "Its private subnets, with commas; as many as Zones says.")


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: network.", p)
    _conditions(template, p)
    _vpc(template, p)
    for index, letter in enumerate(LETTERS):
        _public_subnet(template, index, letter)
        _private_subnet(template, index, letter)
        _nat(template, letter)
    _s3_endpoint(template)
    return finish(template, _outputs(p))


def _conditions(template: Any, p: Parameters) -> None:
    is_given(template, "HasVpc", p.vpc)
    template.add_condition("NewVpc", Not(Condition("HasVpc")))
    template.add_condition("ThreeZones", Equals(Ref(p.zones), "3"))
    template.add_condition("PrivateRunners", Equals(Ref(p.runner_subnets), "private"))
    template.add_condition("NewNat", And(Condition("NewVpc"), Condition("PrivateRunners")))
    template.add_condition("NewThirdZone", And(Condition("NewVpc"), Condition("ThreeZones")))
    template.add_condition("NewThirdNat", And(Condition("NewNat"), Condition("ThreeZones")))


def _in_zone(letter: str, *, nat: bool = False) -> str:
    """The condition under which what belongs to a zone is made."""
    third = letter == LETTERS[2]
    return ("NewThirdNat" if third else "NewNat") if nat else ("NewThirdZone" if third else "NewVpc")


def _vpc(template: Any, p: Parameters) -> None:
    add = template.add_resource
    add(
        ec2.VPC(
            "Vpc", Condition="NewVpc", CidrBlock=Ref(p.cidr), EnableDnsSupport=True, EnableDnsHostnames=True, Tags=_named("vpc")
        )
    )
    add(ec2.InternetGateway("Gateway", Condition="NewVpc"))
    add(ec2.VPCGatewayAttachment("GatewayAttachment", Condition="NewVpc", VpcId=Ref("Vpc"), InternetGatewayId=Ref("Gateway")))
    add(ec2.RouteTable("PublicRoutes", Condition="NewVpc", VpcId=Ref("Vpc"), Tags=_named("public")))
    add(ec2.Route("PublicRoute", Condition="NewVpc", DependsOn="GatewayAttachment", RouteTableId=Ref("PublicRoutes"),
                  DestinationCidrBlock="0.0.0.0/0", GatewayId=Ref("Gateway")))  # fmt: skip


def _public_subnet(template: Any, index: int, letter: str) -> None:
    condition = _in_zone(letter)
    template.add_resource(
        _subnet(f"Public{letter}", index, index, condition, MapPublicIpOnLaunch=True, Metadata=skip(GIVEN_ADDRESS))
    )
    template.add_resource(
        ec2.SubnetRouteTableAssociation(f"Public{letter}Routes", Condition=condition, SubnetId=Ref(f"Public{letter}"),
                                        RouteTableId=Ref("PublicRoutes"))
    )  # fmt: skip


def _private_subnet(template: Any, index: int, letter: str) -> None:
    condition = _in_zone(letter)
    template.add_resource(_subnet(f"Private{letter}", index, index + len(LETTERS), condition))
    template.add_resource(
        ec2.RouteTable(f"Private{letter}Routes", Condition=condition, VpcId=Ref("Vpc"), Tags=_named(f"private-{letter.lower()}"))
    )
    template.add_resource(
        ec2.SubnetRouteTableAssociation(f"Private{letter}Association", Condition=condition, SubnetId=Ref(f"Private{letter}"),
                                        RouteTableId=Ref(f"Private{letter}Routes"))
    )  # fmt: skip


def _subnet(title: str, zone: int, block: int, condition: str, **more: Any) -> Any:
    return ec2.Subnet(
        title, Condition=condition, VpcId=Ref("Vpc"), AvailabilityZone=Select(zone, GetAZs("")),
        CidrBlock=Select(block, Cidr(Ref("VpcCidr"), BLOCKS, HOST_BITS)), Tags=_named(title.lower()), **more,
    )  # fmt: skip


def _nat(template: Any, letter: str) -> None:
    """One in each zone: a zone that fails takes only its own workers along."""
    condition, add = _in_zone(letter, nat=True), template.add_resource
    add(ec2.EIP(f"Nat{letter}Address", Condition=condition, Domain="vpc"))
    add(ec2.NatGateway(f"Nat{letter}", Condition=condition, SubnetId=Ref(f"Public{letter}"),
                       AllocationId=_allocation(letter), DependsOn="PublicRoute"))  # fmt: skip
    add(ec2.Route(f"Private{letter}Route", Condition=condition, RouteTableId=Ref(f"Private{letter}Routes"),
                  DestinationCidrBlock="0.0.0.0/0", NatGatewayId=Ref(f"Nat{letter}")))  # fmt: skip


def _allocation(letter: str) -> Any:
    return Sub(f"${{Nat{letter}Address.AllocationId}}")


def _s3_endpoint(template: Any) -> None:
    """The run store is S3: this way its traffic costs nothing. It lets all through, because there is a way out beside it."""
    tables = [
        Ref("PublicRoutes"),
        Ref("PrivateARoutes"),
        Ref("PrivateBRoutes"),
        If("ThreeZones", Ref("PrivateCRoutes"), Ref("AWS::NoValue")),
    ]
    template.add_resource(
        ec2.VPCEndpoint(
            "S3Endpoint", Condition="NewVpc", VpcId=Ref("Vpc"), VpcEndpointType="Gateway",
            ServiceName=Sub("com.amazonaws.${AWS::Region}.s3"), RouteTableIds=tables,
        )
    )  # fmt: skip


def _named(name: str) -> Any:
    return Tags(Name=Sub(f"knopfdruck-${{Environment}}-{name}"), **pairs())


def _of(kind: str) -> Any:
    subnets = [Ref(f"{kind}{letter}") for letter in LETTERS]
    return If("ThreeZones", Join(",", subnets), Join(",", subnets[:2]))


def _outputs(p: Parameters) -> list[tuple[str, str, Any]]:
    public = If("NewVpc", _of("Public"), Ref(p.public))
    private = If("NewVpc", _of("Private"), Ref(p.private))
    return [
        ("VpcId", "The VPC.", If("NewVpc", Ref("Vpc"), Ref(p.vpc))),
        ("PublicSubnetIds", "Subnets with a way in, for load balancers.", public),
        ("PrivateSubnetIds", "Subnets without a way in, for data.", private),
        ("RunnerSubnetIds", "Subnets of the workers and the portal.", If("PrivateRunners", private, public)),
        ("AssignPublicIp", "Whether what runs there needs a public address.", If("PrivateRunners", "DISABLED", "ENABLED")),
    ]

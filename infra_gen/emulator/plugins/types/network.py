"""Network types, really made: rules of security groups, addresses, NAT gateways, flow logs."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from infra_gen.emulator.plugins.types.registry import Made, Properties, add, called, element, tags_as_query


def install() -> None:
    add("AWS::EC2::SecurityGroupIngress", _ingress, _rule_gone("IpPermissions"))
    add("AWS::EC2::SecurityGroupEgress", _egress, _rule_gone("IpPermissionsEgress"))
    add("AWS::EC2::EIP", _address, _address_gone)
    add("AWS::EC2::NatGateway", _nat, _nat_gone)
    add("AWS::EC2::FlowLog", _flow_log, lambda physical_id, _: _ignore(ec2._delete_flow_logs({"FlowLogId.1": [physical_id]})))


def _ingress(_: str, properties: Properties, __: str) -> Made:
    return _rule(properties, "IpPermissions")


def _egress(_: str, properties: Properties, __: str) -> Made:
    """As on AWS the rule comes beside those the group has; the one that allows all goes only by the group's own list."""
    return _rule(properties, "IpPermissionsEgress")


def _rule(properties: Properties, side: str) -> Made:
    group = ec2._security_groups.get(properties.get("GroupId"))
    if group is None:
        raise ValueError(f"The security group '{properties.get('GroupId')}' does not exist")
    permission = provisioners._ec2_sg_permissions([properties])[0]
    if _key(permission) in map(_key, group[side]):
        raise ValueError("the specified rule already exists")
    group[side].append(permission)
    rule = f"sgr-{uuid.uuid4().hex[:17]}"
    return rule, {"Id": rule, "SecurityGroupRuleId": rule}


def _rule_gone(side: str) -> Any:
    def gone(_: str, properties: Properties) -> None:
        group = ec2._security_groups.get(properties.get("GroupId"))
        if group is not None:
            key = _key(provisioners._ec2_sg_permissions([properties])[0])
            group[side][:] = [permission for permission in group[side] if _key(permission) != key]

    return gone


def _key(permission: dict[str, Any]) -> str:
    return json.dumps(ec2._strip_descriptions(permission), sort_keys=True)


def _address(_: str, properties: Properties, __: str) -> Made:
    query = {"Domain": [properties.get("Domain") or "vpc"], **tags_as_query(properties, "elastic-ip")}
    text = called(ec2._allocate_address(query))
    address = element(text, "publicIp")
    return address, {"PublicIp": address, "AllocationId": element(text, "allocationId")}


def _address_gone(physical_id: str, _: Properties) -> None:
    for allocation, address in list(ec2._addresses.items()):
        if address.get("PublicIp") == physical_id:
            called(ec2._release_address({"AllocationId": [allocation]}))


def _nat(_: str, properties: Properties, __: str) -> Made:
    public = (properties.get("ConnectivityType") or "public") == "public"
    if public and properties.get("AllocationId") not in ec2._addresses:
        raise ValueError(f"The allocation ID '{properties.get('AllocationId')}' does not exist")
    query = {
        "SubnetId": [properties["SubnetId"]],
        "AllocationId": [properties.get("AllocationId", "")],
        "ConnectivityType": [properties.get("ConnectivityType") or "public"],
        **tags_as_query(properties, "natgateway"),
    }
    gateway = element(called(ec2._create_nat_gateway(query)), "natGatewayId")
    return gateway, {"NatGatewayId": gateway}


def _nat_gone(physical_id: str, _: Properties) -> None:
    if physical_id in ec2._nat_gateways:
        called(ec2._delete_nat_gateway({"NatGatewayId": [physical_id]}))


def _flow_log(_: str, properties: Properties, __: str) -> Made:
    query = {
        "ResourceId.1": [properties["ResourceId"]],
        "ResourceType": [properties.get("ResourceType") or "VPC"],
        "TrafficType": [properties.get("TrafficType") or "ALL"],
        "LogDestinationType": [properties.get("LogDestinationType") or "cloud-watch-logs"],
        "LogDestination": [properties.get("LogDestination") or ""],
        "LogGroupName": [properties.get("LogGroupName") or ""],
        **tags_as_query(properties, "flow-log"),
    }
    log = element(called(ec2._create_flow_logs(query)), "item")
    return log, {"Id": log}


def _ignore(_: object) -> None:
    """An answer that says nothing."""

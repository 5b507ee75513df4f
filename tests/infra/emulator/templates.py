"""Small templates of the tests: a network in three zones, and a group of instances in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import WaiterError

from tests.infra.emulator.conftest import Client

ZONES = "abc"
Template = dict[str, Any]
UNIT = """[Service]
EnvironmentFile=/etc/knopfdruck/worker.env
ExecStart=/bin/sh -c 'echo "$KNOPFDRUCK_GROUP" > "$KNOPFDRUCK_ROOT/told"; exec sleep 600'
Restart=always
RestartSec=100ms
TimeoutStopSec=2
"""


def user_data(unit: str = UNIT) -> str:
    return f"""#!/bin/bash
set -eu
mkdir -p "$KNOPFDRUCK_ROOT/etc/knopfdruck" "$KNOPFDRUCK_ROOT/etc/systemd/system"
echo 'KNOPFDRUCK_GROUP="dev-massive"' > "$KNOPFDRUCK_ROOT/etc/knopfdruck/worker.env"
cat > "$KNOPFDRUCK_ROOT/etc/systemd/system/probe.service" <<'UNIT'
{unit}UNIT
systemctl daemon-reload
systemctl enable --now probe.service
touch "$KNOPFDRUCK_ROOT/user-data-done"
"""


def resource(kind: str, properties: Mapping[str, Any] | None = None, **attributes: Any) -> Template:
    return {"Type": kind, "Properties": dict(properties or {}), **attributes}


def get(name: str, attribute: str) -> Template:
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> Template:
    return {"Ref": name}


def network() -> dict[str, Template]:
    subnets = {
        f"Subnet{zone.upper()}": resource(
            "AWS::EC2::Subnet",
            {
                "VpcId": ref("Vpc"),
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": {"Fn::Sub": f"${{AWS::Region}}{zone}"},
            },
        )
        for number, zone in enumerate(ZONES)
    }
    return {"Vpc": resource("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}), **subnets}


def group(desired: int, unit: str = UNIT, **settings: Any) -> dict[str, Template]:
    """Two on demand, the rest spot, of two instance types; each runs a service as `unit` says."""
    data = {
        "ImageId": "ami-12345678",
        "InstanceType": "c7g.large",
        "IamInstanceProfile": {"Arn": get("Profile", "Arn")},
        "UserData": base64.b64encode(user_data(unit).encode()).decode(),
    }
    trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    specification = {"LaunchTemplateId": ref("Launch"), "Version": get("Launch", "LatestVersionNumber")}
    mixed = {
        "InstancesDistribution": {"OnDemandBaseCapacity": 2, "OnDemandPercentageAboveBaseCapacity": 0},
        "LaunchTemplate": {
            "LaunchTemplateSpecification": specification,
            "Overrides": [{"InstanceType": "c7g.large"}, {"InstanceType": "c6g.large"}],
        },
    }
    properties = {
        "MinSize": "0",
        "MaxSize": "6",
        "DesiredCapacity": str(desired),
        "VPCZoneIdentifier": [ref(f"Subnet{zone.upper()}") for zone in ZONES],
        "MixedInstancesPolicy": mixed,
        "Tags": [{"Key": "knopfdruck:env", "Value": "dev", "PropagateAtLaunch": True}],
        **settings,
    }
    return {
        **network(),
        "Role": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]}}),
        "Profile": resource("AWS::IAM::InstanceProfile", {"Roles": [ref("Role")]}),
        "Launch": resource("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": data}),
        "Group": resource("AWS::AutoScaling::AutoScalingGroup", properties),
    }


def deploy(aws: Client, resources: Mapping[str, Template], name: str = "probe", **settings: Any) -> dict[str, str]:
    """Logical ids to physical ids, once the stack is complete."""
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"], **settings
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    except WaiterError as failed:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed.args = (
            f"{failed} {[event.get('ResourceStatusReason') for event in events if 'FAILED' in event['ResourceStatus']]}",
        )
        raise
    return physical_ids(aws, name)


def update(aws: Client, resources: Mapping[str, Template], name: str = "probe") -> dict[str, str]:
    cloudformation = aws("cloudformation")
    body = json.dumps({"Resources": resources})
    cloudformation.update_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return physical_ids(aws, name)


def delete(aws: Client, name: str = "probe") -> None:
    cloudformation = aws("cloudformation")
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def physical_ids(aws: Client, name: str) -> dict[str, str]:
    found = aws("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}

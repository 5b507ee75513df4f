"""CloudFormation types that ministack lacks: made, changed and deleted, and seen by the API of their service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from infra_gen.emulator.process import Emulator
from tests.infra.emulator.conftest import Client, eventually
from tests.infra.emulator.templates import delete, deploy, get, network, ref, resource, update

pytestmark = pytest.mark.emulator


def security_group(port: int) -> dict[str, Any]:
    group = {"GroupDescription": "workers", "VpcId": ref("Vpc")}
    rule = {"GroupId": get("Group", "GroupId"), "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
    return {
        **network(),
        "Group": resource("AWS::EC2::SecurityGroup", group),
        "In": resource("AWS::EC2::SecurityGroupIngress", rule),
        "Out": resource("AWS::EC2::SecurityGroupEgress", rule),
    }


def ports(aws: Client, group: str, side: str) -> list[int]:
    [found] = aws("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return [rule["FromPort"] for rule in found[side] if "FromPort" in rule]


def test_rules_of_their_own_reach_the_security_group_and_leave_it(aws: Client) -> None:
    made = deploy(aws, security_group(8080))
    assert ports(aws, made["Group"], "IpPermissions") == ports(aws, made["Group"], "IpPermissionsEgress") == [8080]

    update(aws, security_group(9090))
    assert ports(aws, made["Group"], "IpPermissions") == [9090]

    update(aws, {name: each for name, each in security_group(9090).items() if name not in ("In", "Out")})
    assert ports(aws, made["Group"], "IpPermissions") == ports(aws, made["Group"], "IpPermissionsEgress") == []


def test_a_nat_gateway_stands_on_its_address_and_both_go_with_the_stack(aws: Client) -> None:
    tags = [{"Key": "knopfdruck:env", "Value": "dev"}]
    nat = {"SubnetId": ref("SubnetA"), "AllocationId": get("Address", "AllocationId"), "Tags": tags}
    address = resource("AWS::EC2::EIP", {"Domain": "vpc", "Tags": tags})
    made = deploy(aws, {**network(), "Address": address, "Nat": resource("AWS::EC2::NatGateway", nat)})

    ec2 = aws("ec2")
    [gateway] = ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"]
    assert (gateway["State"], gateway["Tags"]) == ("available", tags)
    assert [each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]] == [made["Address"]]
    delete(aws)
    assert ec2.describe_addresses()["Addresses"] == []
    assert [each["State"] for each in ec2.describe_nat_gateways()["NatGateways"]] in ([], ["deleted"])


def gateway(required: list[str]) -> dict[str, Any]:
    model = {"type": "object", "required": required, "properties": {name: {"type": "string"} for name in required}}
    answer = {"application/json": '{"statusCode": 200}'}
    integration = {"Type": "MOCK", "RequestTemplates": answer, "IntegrationResponses": [{"StatusCode": "200"}]}
    method = {
        "RestApiId": ref("Api"),
        "ResourceId": get("Api", "RootResourceId"),
        "HttpMethod": "POST",
        "AuthorizationType": "NONE",
        "RequestValidatorId": ref("Validator"),
        "RequestModels": {"application/json": ref("Model")},
        "Integration": integration,
        "MethodResponses": [{"StatusCode": "200"}],
    }
    schema = {"RestApiId": ref("Api"), "Name": "Start", "ContentType": "application/json", "Schema": model}
    return {
        "Api": resource("AWS::ApiGateway::RestApi", {"Name": "runs"}),
        "Model": resource("AWS::ApiGateway::Model", schema),
        "Validator": resource("AWS::ApiGateway::RequestValidator", {"RestApiId": ref("Api"), "ValidateRequestBody": True}),
        "Method": resource("AWS::ApiGateway::Method", method),
        "Deployment": resource("AWS::ApiGateway::Deployment", {"RestApiId": ref("Api"), "StageName": "v1"}, DependsOn="Method"),
    }


def post(emulator: Emulator, api: str, body: dict[str, Any]) -> int:
    url = f"{emulator.endpoint}/restapis/{api}/v1/_user_request_/"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_a_request_validator_of_a_template_refuses_a_body_that_the_model_does_not_allow(aws: Client, emulator: Emulator) -> None:
    api = deploy(aws, gateway(["scenario"]))["Api"]

    assert post(emulator, api, {"scenario": "checkout-burst"}) == 200
    assert post(emulator, api, {"scenery": "checkout-burst"}) == 400


def service(count: int, low: int, high: int) -> dict[str, Any]:
    container = {"Name": "agent", "Image": "example/artillery:1", "Command": ["/bin/sh", "-c", "sleep 60"], "StopTimeout": "2"}
    definition = {"Family": "pool", "ContainerDefinitions": [container], "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512"}
    pool = {"Cluster": ref("Cluster"), "TaskDefinition": ref("Definition"), "DesiredCount": str(count), "LaunchType": "FARGATE"}
    target = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": {"Fn::Sub": "service/${Cluster}/${Pool.Name}"},
        "MinCapacity": low,
        "MaxCapacity": high,
    }
    metric = {"Namespace": "Knopfdruck", "MetricName": "Backlog", "Statistic": "Average", "Dimensions": []}
    tracking = {"TargetValue": 5.0, "CustomizedMetricSpecification": metric}
    policy = {
        "PolicyName": "backlog",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": ref("Target"),
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    return {
        "Cluster": resource("AWS::ECS::Cluster", {"ClusterName": "load"}),
        "Definition": resource("AWS::ECS::TaskDefinition", definition),
        "Pool": resource("AWS::ECS::Service", pool),
        "Target": resource("AWS::ApplicationAutoScaling::ScalableTarget", target),
        "Policy": resource("AWS::ApplicationAutoScaling::ScalingPolicy", policy),
    }


def desired(aws: Client, made: dict[str, str]) -> int:
    return int(aws("ecs").describe_services(cluster="load", services=[made["Pool"]])["services"][0]["desiredCount"])


def test_a_scalable_target_holds_its_service_between_the_bounds_and_its_alarm_scales_it(aws: Client) -> None:
    made = deploy(aws, service(1, low=2, high=3))
    assert desired(aws, made) == 2
    [target] = aws("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    [policy] = aws("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    names = {alarm["AlarmName"] for alarm in policy["Alarms"]}
    [high] = [name for name in names if "AlarmHigh" in name]

    for state in ("ALARM", "OK", "ALARM"):
        aws("cloudwatch").set_alarm_state(AlarmName=high, StateValue=state, StateReason="backlog")

    assert desired(aws, made) == 3
    delete(aws)
    assert aws("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert aws("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_a_stub_wants_what_aws_requires_and_has_an_arn_of_the_right_form(aws: Client) -> None:
    query = {"Name": "slow requests", "QueryString": "fields @message"}
    component = {"Name": "worker", "Platform": "Linux", "Version": "1.2.3", "Data": "name: worker"}
    made = deploy(
        aws,
        {
            "Query": resource("AWS::Logs::QueryDefinition", query),
            "Component": resource("AWS::ImageBuilder::Component", component),
        },
    )
    assert made["Component"] == "arn:aws:imagebuilder:eu-central-1:000000000000:component/worker/1.2.3/1"

    with pytest.raises(WaiterError, match="ROLLBACK"):
        deploy(aws, {"Query": resource("AWS::Logs::QueryDefinition", {"Name": "no query"})}, name="broken")
    events = aws("cloudformation").describe_stack_events(StackName="broken")["StackEvents"]
    assert any("QueryString" in event.get("ResourceStatusReason", "") for event in events)


def store(aws: Client, emulator: Emulator, key: str, template: dict[str, Any]) -> str:
    s3 = aws("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="templates", Key=key, Body=json.dumps(template))
    return f"{emulator.endpoint}/templates/{key}"


def test_a_nested_stack_that_fails_leaves_nothing_behind(aws: Client, emulator: Emulator) -> None:
    query = resource("AWS::Logs::QueryDefinition", {"Name": "no query"}, DependsOn="Topic")
    url = store(aws, emulator, "child.json", {"Resources": {"Topic": resource("AWS::SNS::Topic"), "Query": query}})

    with pytest.raises(WaiterError, match="ROLLBACK"):
        deploy(aws, {"Child": resource("AWS::CloudFormation::Stack", {"TemplateURL": url})}, name="parent")

    assert aws("sns").list_topics()["Topics"] == []
    listed = aws("cloudformation").list_stacks()["StackSummaries"]
    assert {each["StackStatus"] for each in listed if each["StackName"] != "parent"} == {"DELETE_COMPLETE"}


def test_what_a_nested_stack_retains_is_still_there_when_the_parent_is_deleted(aws: Client, emulator: Emulator) -> None:
    resources = {
        "Kept": resource("AWS::SNS::Topic", {"TopicName": "kept"}, DeletionPolicy="Retain"),
        "Gone": resource("AWS::SNS::Topic", {"TopicName": "gone"}),
    }
    url = store(aws, emulator, "child.json", {"Resources": resources})
    deploy(aws, {"Child": resource("AWS::CloudFormation::Stack", {"TemplateURL": url})}, name="parent")

    delete(aws, "parent")

    assert eventually(lambda: [each["TopicArn"].rsplit(":", 1)[-1] for each in aws("sns").list_topics()["Topics"]] == ["kept"])


def test_what_a_nested_update_leaves_alone_still_says_what_it_said(aws: Client) -> None:
    """The second topic's name hangs on an attribute of a queue that does not change."""

    def child(subject: str) -> str:
        attribute = resource("AWS::SSM::Parameter", {"Type": "String", "Value": {"Fn::Sub": f"${{Queue.Arn}} {subject}"}})
        return json.dumps({"Resources": {"Queue": resource("AWS::SQS::Queue"), "Note": attribute}})

    s3 = aws("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    endpoint = s3.meta.endpoint_url
    for number, apply in enumerate((deploy, update)):
        s3.put_object(Bucket="templates", Key=f"{number}.json", Body=child(f"round {number}"))
        apply(aws, {"Child": resource("AWS::CloudFormation::Stack", {"TemplateURL": f"{endpoint}/templates/{number}.json"})})
    [name] = [found["Name"] for found in aws("ssm").describe_parameters()["Parameters"]]
    value = aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert value.startswith("arn:aws:sqs:")
    assert value.endswith("round 1")


def test_the_ref_of_a_secret_is_its_arn_and_the_secret_goes_with_the_stack(aws: Client) -> None:
    made = deploy(aws, {"Secret": resource("AWS::SecretsManager::Secret", {"SecretString": "one"})})
    assert made["Secret"].startswith("arn:aws:secretsmanager:")
    manager = aws("secretsmanager")
    assert manager.get_secret_value(SecretId=made["Secret"])["SecretString"] == "one"
    update(aws, {"Secret": resource("AWS::SecretsManager::Secret", {"SecretString": "two"})})
    assert manager.get_secret_value(SecretId=made["Secret"])["SecretString"] == "two"
    delete(aws)
    assert manager.list_secrets()["SecretList"] == []

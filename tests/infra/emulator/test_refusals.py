"""The strict layer in its place: what a client of the running emulator is refused, as botocore understands it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra_gen.emulator.process import Emulator
from tests.infra.emulator.conftest import Client, clients_of
from tests.infra.emulator.templates import deploy, get, group, resource
from tests.infra.emulator.test_functions import zipped
from tests.infra.emulator.test_tasks import register, shell, start, task

pytestmark = pytest.mark.emulator
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_the_same_token_starts_no_second_task(aws: Client) -> None:
    definition = register(aws, shell("sleep 20", stopTimeout=2))

    first = start(aws, definition, clientToken="run-1-slot-0-epoch-1")

    assert start(aws, definition, clientToken="run-1-slot-0-epoch-1") == first
    assert aws("ecs").list_tasks(cluster="load")["taskArns"] == [first]
    with pytest.raises(ClientError) as refused:
        start(aws, definition, clientToken="run-1-slot-0-epoch-1", startedBy="another")
    assert code_of(refused) == "ConflictException"
    assert refused.value.response["resourceIds"] == [first]  # type: ignore[typeddict-item]


def test_an_eleventh_task_and_long_overrides_are_refused_and_nothing_starts(aws: Client) -> None:
    definition = register(aws, shell("true"))
    long = {"containerOverrides": [{"name": "agent", "environment": [{"name": "A", "value": "x" * 8200}]}]}

    for settings in ({"count": 11}, {"overrides": long}):
        with pytest.raises(ClientError) as refused:
            start(aws, definition, **settings)
        assert code_of(refused) == "InvalidParameterException"
    assert aws("ecs").list_tasks(cluster="load")["taskArns"] == []


def test_too_large_an_event_is_refused_and_a_reservation_of_all_concurrency_too(aws: Client) -> None:
    client = aws("lambda")
    role = "arn:aws:iam::000000000000:role/runner"
    code = {"ZipFile": zipped({"entry.py": "def handle(event, context): return 1"})}
    client.create_function(FunctionName="runner", Runtime="python3.11", Role=role, Handler="entry.handle", Code=code)

    payload = json.dumps("x" * 1024**2).encode()
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName="runner", InvocationType="Event", Payload=payload)
    assert code_of(refused) == "RequestTooLargeException"
    with pytest.raises(ClientError, match="UnreservedConcurrentExecution") as refused:
        client.put_function_concurrency(FunctionName="runner", ReservedConcurrentExecutions=901)
    assert code_of(refused) == "InvalidParameterValueException"
    client.put_function_concurrency(FunctionName="runner", ReservedConcurrentExecutions=900)


def test_metrics_and_subjects_beyond_the_limits_are_refused(aws: Client) -> None:
    topic = aws("sns").create_topic(Name="runs")["TopicArn"]
    with pytest.raises(ClientError) as refused:
        aws("sns").publish(TopicArn=topic, Subject="x" * 100, Message="ended")
    assert code_of(refused) == "InvalidParameter"
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=15)
    with pytest.raises(ClientError) as refused:
        aws("cloudwatch").put_metric_data(Namespace="Knopfdruck", MetricData=[{"MetricName": "A", "Value": 1, "Timestamp": old}])
    assert code_of(refused) == "InvalidParameterValue"


def create(aws: Client, resources: dict[str, Any], **settings: Any) -> None:
    aws("cloudformation").create_stack(StackName="probe", TemplateBody=json.dumps({"Resources": resources}), **settings)


def test_a_role_needs_its_capability(aws: Client) -> None:
    trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [trusted]}, "RoleName": "worker"})

    for capabilities in ([], ["CAPABILITY_IAM"]):
        with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM") as refused:
            create(aws, {"Role": role}, Capabilities=capabilities)
        assert code_of(refused) == "InsufficientCapabilitiesException"


def test_unknown_parameters_and_references_to_nothing_are_refused_before_anything_is_made(aws: Client) -> None:
    topic = {"Topic": resource("AWS::SNS::Topic")}
    with pytest.raises(ClientError, match=r"Parameters: \[Envy\] do not exist") as refused:
        create(aws, topic, Parameters=[{"ParameterKey": "Envy", "ParameterValue": "dev"}])
    assert code_of(refused) == "ValidationError"
    with pytest.raises(ClientError, match="Unresolved resource dependencies"):
        create(aws, {"Topic": resource("AWS::SNS::Topic", {"TopicName": {"Ref": "Gone"}})})
    with pytest.raises(ClientError, match="Unresolved resource dependencies"):
        aws("cloudformation").create_change_set(
            StackName="probe",
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": topic, "Outputs": {"Arn": {"Value": get("Gone", "Arn")}}}),
        )
    assert aws("sns").list_topics()["Topics"] == []


def test_a_property_the_type_does_not_have_fails_its_resource_and_rolls_back(aws: Client) -> None:
    queue = resource("AWS::SQS::Queue", {"VisibilityTimeot": 30}, DependsOn="Topic")

    with pytest.raises(WaiterError, match=r"extraneous key \[VisibilityTimeot\]"):
        deploy(aws, {"Topic": resource("AWS::SNS::Topic"), "Queue": queue})

    assert aws("sns").list_topics()["Topics"] == []


def test_a_bucket_with_something_in_it_stops_the_deletion_of_its_stack(aws: Client) -> None:
    cloudformation, s3 = aws("cloudformation"), aws("s3")
    bucket = deploy(aws, {"Results": resource("AWS::S3::Bucket")})["Results"]
    s3.put_object(Bucket=bucket, Key="run/summary.json", Body=b"{}")

    cloudformation.delete_stack(StackName="probe")

    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_delete_complete").wait(StackName="probe", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    reasons = [
        event.get("ResourceStatusReason", "") for event in cloudformation.describe_stack_events(StackName="probe")["StackEvents"]
    ]
    assert any("not empty" in reason for reason in reasons)
    s3.delete_object(Bucket=bucket, Key="run/summary.json")
    cloudformation.delete_stack(StackName="probe")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="probe", WaiterConfig={"Delay": 1, "MaxAttempts": 10})


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An account as new as AWS gives them: few vCPUs."""
    with Emulator(tmp_path_factory.mktemp("small"), fargate_vcpus=1, ec2_vcpus=5) as running:
        yield running


def test_a_new_account_starts_no_more_vcpus_than_its_quota(small: Emulator) -> None:
    aws = clients_of(small)
    definition = register(aws, shell("sleep 20", stopTimeout=2))
    start(aws, definition, count=4)
    with pytest.raises(ClientError, match="limit on the number of vCPUs"):
        start(aws, definition)

    name = deploy(aws, group(4))["Group"]

    [found] = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert len(found["Instances"]) == 2
    activities = aws("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
    assert [activity["StatusCode"] for activity in activities].count("Failed") == 1


def user(aws: Client, name: str, *statements: dict[str, Any]) -> tuple[str, str]:
    iam = aws("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_with_iam_on_who_may_run_a_task_must_also_be_allowed_to_pass_its_role(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": "arn:aws:ecs:*:*:task-definition/worker:*"}
    look = {"Effect": "Allow", "Action": "ecs:DescribeTasks", "Resource": "arn:aws:ecs:*:*:task/load/*"}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/knopfdruck/dev/*"}
    with Emulator(tmp_path_factory.mktemp("iam"), auth=True) as running:
        root = clients_of(running)
        trusted = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        root("iam").create_role(RoleName="task", Path="/knopfdruck/dev/", AssumeRolePolicyDocument=policy)
        definition = register(root, shell("sleep 20", stopTimeout=2))
        without = clients_of(running, *user(root, "without", run, look))
        within = clients_of(running, *user(root, "within", run, look, passing))

        with pytest.raises(ClientError, match="iam:PassRole") as refused:
            start(without, definition)
        assert code_of(refused) == "AccessDeniedException"

        assert task(within, start(within, definition))["lastStatus"] in ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")

"""The doors to what runs workers and what hears of them, against answers botocore checks by each service's own model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any  # Any: boto3's clients, for which we have no stubs

import pytest
from botocore.stub import Stubber

from portal.aws.autoscaling import Group, GroupDoor, Instance
from portal.aws.awslambda import FunctionFacts, LambdaDoor
from portal.aws.cloudwatch import Measure, MetricDoor
from portal.aws.ecs import EcsDoor, TaskOrder
from portal.aws.errors import AwsCapacity, AwsDenied, AwsError, AwsMissing, AwsQuota, AwsRefused, AwsThrottled
from portal.aws.quotas import FARGATE_VCPUS, QuotaDoor
from portal.aws.session import place_client
from portal.aws.sns import TopicDoor
from portal.aws.sts import IdentityDoor
from portal.core.aws_place import AwsPlace

pytestmark = pytest.mark.usefixtures("_keys")
PLACE = AwsPlace(
    "eu-central-1", "results", cluster="load", task_definition="artillery:3", subnets=("subnet-a",), security_groups=("sg-1",)
)
TASK = "arn:aws:ecs:eu-central-1:123456789012:task/load/0123456789abcdef"
ORDER = TaskOrder("ab" * 32, "20261124-1", {"KNOPFDRUCK_RUN": "20261124-1"})
RUN_TASK: dict[str, Any] = {
    "cluster": "load", "taskDefinition": "artillery:3", "count": 1, "clientToken": "ab" * 32, "startedBy": "20261124-1",
    "launchType": "FARGATE", "enableECSManagedTags": True, "propagateTags": "TASK_DEFINITION",
    "tags": [{"key": "knopfdruck:managed", "value": "true"}, {"key": "knopfdruck:run", "value": "20261124-1"}],
    "overrides": {"containerOverrides": [
        {"name": "agent", "environment": [{"name": "KNOPFDRUCK_RUN", "value": "20261124-1"}]}]},
    "networkConfiguration": {"awsvpcConfiguration": {
        "subnets": ["subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
}  # fmt: skip


@contextmanager
def stubbed(service: str, *answers: tuple[str, dict[str, Any], dict[str, Any] | None]) -> Iterator[Any]:
    """A client that expects these calls; an answer's second part None: any parameters will do."""
    made = place_client(PLACE, service)
    with Stubber(made) as stubber:
        for operation, answer, expected in answers:
            stubber.add_response(operation, answer, expected)
        yield made
        stubber.assert_no_pending_responses()


def failing(service: str, operation: str, code: str, status: int, message: str = "No.") -> Any:
    made = place_client(PLACE, service)
    stubber = Stubber(made)
    stubber.add_client_error(operation, code, message, status)
    stubber.activate()
    return made


def test_a_call_of_a_function_is_an_event_and_gives_its_id() -> None:
    answer = {"StatusCode": 202, "ResponseMetadata": {"RequestId": "r-1"}}
    expected = {"FunctionName": "runner", "InvocationType": "Event", "Payload": json.dumps({"run": "x"}).encode()}
    with stubbed("lambda", ("invoke", answer, expected)) as client:
        assert LambdaDoor(client).call("runner", {"run": "x"}) == "r-1"


def test_a_call_is_never_sent_twice_by_itself() -> None:
    door = LambdaDoor.of(PLACE, connections=32)
    assert door._lambda.meta.config.retries["total_max_attempts"] == 1
    assert door._lambda.meta.config.max_pool_connections == 32


def test_a_call_that_was_not_queued_or_is_too_large_is_refused() -> None:
    with stubbed("lambda", ("invoke", {"StatusCode": 200}, None)) as client, pytest.raises(AwsRefused, match="answered 200"):
        LambdaDoor(client).call("runner", {})
    with stubbed("lambda") as client, pytest.raises(AwsRefused, match="too large"):
        LambdaDoor(client).call("runner", {"run": "x" * 1_000_001})


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("TooManyRequestsException", 429, AwsThrottled), ("ResourceNotFoundException", 404, AwsMissing),
     ("AccessDeniedException", 403, AwsDenied)],
)  # fmt: skip
def test_what_lambda_refuses_is_told_apart(code: str, status: int, kind: type[AwsError]) -> None:
    with pytest.raises(kind):
        LambdaDoor(failing("lambda", "invoke", code, status)).call("runner", {})


def test_a_function_says_its_size() -> None:
    with stubbed("lambda", ("get_function_configuration", {"MemorySize": 1769, "Timeout": 900}, None)) as client:
        assert LambdaDoor(client).facts("runner") == FunctionFacts(1769, 900)


def test_a_task_is_started_with_its_token_and_all_it_must_know() -> None:
    with stubbed("ecs", ("run_task", {"tasks": [{"taskArn": TASK}], "failures": []}, RUN_TASK)) as client:
        assert EcsDoor(client).run(PLACE, ORDER) == TASK


def test_a_task_on_spot_asks_for_the_provider_instead_of_the_launch_type() -> None:
    spot = {**RUN_TASK, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
    del spot["launchType"]
    with stubbed("ecs", ("run_task", {"tasks": [{"taskArn": TASK}], "failures": []}, spot)) as client:
        assert EcsDoor(client).run(replace(PLACE, spot=True), ORDER) == TASK


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("Capacity is unavailable at this time. Please try again later.", AwsCapacity), ("RESOURCE:ENI", AwsCapacity),
     ("You've reached the limit on the number of vCPUs you can run concurrently", AwsQuota), ("ACCESS_DENIED", AwsRefused)],
)  # fmt: skip
def test_a_failure_within_a_success_is_a_failure(reason: str, kind: type[AwsError]) -> None:
    answer: dict[str, Any] = {"tasks": [], "failures": [{"arn": "x", "reason": reason}]}
    with stubbed("ecs", ("run_task", answer, None)) as client, pytest.raises(kind, match=reason[:10]) as caught:
        EcsDoor(client).run(PLACE, ORDER)
    assert type(caught.value) is kind


def test_overrides_that_ecs_would_refuse_are_not_sent() -> None:
    with stubbed("ecs") as client, pytest.raises(AwsRefused, match="8192"):
        EcsDoor(client).run(PLACE, replace(ORDER, environment={"KNOPFDRUCK_SECRET_A": "x" * 9000}))


def test_tasks_are_described_by_hundreds_and_unknown_ones_are_left_out() -> None:
    arns = [f"{TASK}{number}" for number in range(150)]
    tasks = [{"taskArn": arn, "lastStatus": "RUNNING", "availabilityZone": "eu-central-1a"} for arn in arns]
    answers = (
        ("describe_tasks", {"tasks": tasks[:100], "failures": []}, {"cluster": "load", "tasks": arns[:100]}),
        ("describe_tasks", {"tasks": tasks[100:149], "failures": [{"arn": arns[149], "reason": "MISSING"}]},
         {"cluster": "load", "tasks": arns[100:]}),
    )  # fmt: skip
    with stubbed("ecs", *answers) as client:
        states = EcsDoor(client).states("load", arns)
    assert len(states) == 149
    assert (states[arns[0]].az, states[arns[0]].is_over) == ("eu-central-1a", False)


def test_a_stopped_task_says_why() -> None:
    task = {"taskArn": TASK, "lastStatus": "STOPPED", "stopCode": "SpotInterruption", "stoppedReason": "Taken back.",
            "containers": [{"exitCode": 143}], "startedBy": "20261124-1"}  # fmt: skip
    with stubbed("ecs", ("describe_tasks", {"tasks": [task], "failures": []}, None)) as client:
        state = EcsDoor(client).states("load", [TASK])[TASK]
    assert (state.is_over, state.stop_code, state.exit_code, state.started_by) == (True, "SpotInterruption", 143, "20261124-1")


def test_stopping_a_task_that_is_gone_is_fine_and_another_refusal_is_not() -> None:
    EcsDoor(failing("ecs", "stop_task", "InvalidParameterException", 400, "The referenced task was not found.")).stop(
        "load", TASK, "over"
    )
    with pytest.raises(AwsMissing):
        EcsDoor(failing("ecs", "stop_task", "ClusterNotFoundException", 400)).stop("load", TASK, "over")


def test_the_tasks_of_a_run_are_found_by_who_started_them() -> None:
    expected = {"cluster": "load", "startedBy": "20261124-1"}
    with stubbed("ecs", ("list_tasks", {"taskArns": [TASK]}, expected)) as client:
        assert EcsDoor(client).tasks("load", "20261124-1") == (TASK,)


def a_group(desired: int = 2) -> dict[str, Any]:
    instances = [{"InstanceId": f"i-{n}", "AvailabilityZone": "eu-central-1a", "LifecycleState": state, "HealthStatus": "Healthy",
                  "ProtectedFromScaleIn": True} for n, state in enumerate(("InService", "Terminating:Wait"))]  # fmt: skip
    return {"AutoScalingGroups": [{
        "AutoScalingGroupName": "workers", "MinSize": 0, "MaxSize": 20, "DesiredCapacity": desired, "DefaultCooldown": 300,
        "AvailabilityZones": ["eu-central-1a"], "HealthCheckType": "EC2", "CreatedTime": "2026-11-24", "Instances": instances,
    }]}  # fmt: skip


def test_a_group_says_its_size_and_its_instances() -> None:
    with stubbed("autoscaling", ("describe_auto_scaling_groups", a_group(), None)) as client:
        group = GroupDoor(client).look("workers")
    first, second = Instance("i-0", "eu-central-1a", "InService"), Instance("i-1", "eu-central-1a", "Terminating:Wait")
    assert group == Group(2, 0, 20, (first, second))
    assert (first.is_ending, second.is_ending) == (False, True)


def test_a_group_there_is_not_is_missing() -> None:
    answer: dict[str, Any] = {"AutoScalingGroups": []}
    with stubbed("autoscaling", ("describe_auto_scaling_groups", answer, None)) as client, pytest.raises(AwsMissing):
        GroupDoor(client).look("workers")


def test_a_group_grows_and_ends_instances_by_name() -> None:
    activity = {"Activity": {"ActivityId": "a", "AutoScalingGroupName": "workers", "Cause": "x", "StartTime": "2026-11-24",
                             "StatusCode": "InProgress"}}  # fmt: skip
    grow = {"AutoScalingGroupName": "workers", "DesiredCapacity": 7, "HonorCooldown": False}
    end = {"InstanceId": "i-0", "ShouldDecrementDesiredCapacity": True}
    answers: tuple[tuple[str, dict[str, Any], dict[str, Any] | None], ...] = (
        ("set_desired_capacity", {}, grow), ("terminate_instance_in_auto_scaling_group", activity, end),
        ("set_instance_protection", {}, None),
    )  # fmt: skip
    with stubbed("autoscaling", *answers) as client:
        door = GroupDoor(client)
        door.grow("workers", 7)
        door.end(("i-0",))
        door.protect("workers", ("i-0",), on=False)


def test_a_quota_is_a_number_and_unknown_where_nobody_may_ask() -> None:
    ec2 = place_client(PLACE, "ec2")
    with stubbed("service-quotas", ("get_service_quota", {"Quota": {"Value": 6.0}}, None)) as client:
        assert QuotaDoor(client, ec2).value(FARGATE_VCPUS) == 6.0
    for code, status in (("AccessDeniedException", 403), ("NoSuchResourceException", 404)):
        assert QuotaDoor(failing("service-quotas", "get_service_quota", code, status), ec2).value(FARGATE_VCPUS) is None


def test_free_addresses_are_summed_over_subnets() -> None:
    answer = {"Subnets": [{"AvailableIpAddressCount": 100}, {"AvailableIpAddressCount": 51}]}
    quotas = place_client(PLACE, "service-quotas")
    with stubbed("ec2", ("describe_subnets", answer, {"SubnetIds": ["a", "b"]})) as client:
        assert QuotaDoor(quotas, client).free_addresses(("a", "b")) == 151
    assert QuotaDoor(quotas, failing("ec2", "describe_subnets", "UnauthorizedOperation", 403)).free_addresses(("a",)) is None


def test_a_message_has_a_plain_short_subject() -> None:
    expected: dict[str, Any] = {"TopicArn": "arn:aws:sns:eu-central-1:1:done", "Subject": "Gr??e: " + "x" * 92, "Message": "{}",
                "MessageAttributes": {"state": {"DataType": "String", "StringValue": "ended"}}}  # fmt: skip
    with stubbed("sns", ("publish", {"MessageId": "m-1"}, expected)) as client:
        said = TopicDoor(client).publish(expected["TopicArn"], "Größe:\n" + "x" * 200, "{}", {"state": "ended", "verdict": ""})
    assert (said, len(expected["Subject"])) == ("m-1", 99)


def test_numbers_are_put_with_their_dimensions() -> None:
    expected = {
        "Namespace": "Knopfdruck",
        "MetricData": [
            {"MetricName": "RunsEnded", "Value": 1.0, "Unit": "Count", "Dimensions": [{"Name": "Environment", "Value": "dev"}]}
        ],
    }
    with stubbed("cloudwatch", ("put_metric_data", {}, expected)) as client:
        MetricDoor(client).put("Knopfdruck", [Measure("RunsEnded", 1.0, dimensions={"Environment": "dev"})])


def test_who_we_are_is_an_arn() -> None:
    answer = {"Arn": "arn:aws:sts::123456789012:assumed-role/portal/x", "Account": "123456789012", "UserId": "u"}
    with stubbed("sts", ("get_caller_identity", answer, {})) as client:
        assert IdentityDoor(client).caller() == answer["Arn"]

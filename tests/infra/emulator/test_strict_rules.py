"""Each rule of the strict layer by itself: what is just allowed, and what is just refused, with the code that AWS gives."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from infra_gen.emulator.process import _schemas
from infra_gen.emulator.strict import data_rules, function_rules, property_rules, quota_rules, task_rules, template_rules
from infra_gen.emulator.strict.request import Refusal, Request

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def asked(service: str, action: str, **parameters: Any) -> Request:
    return Request(service, action, parameters)


def run_task(**parameters: Any) -> Request:
    return asked("ecs", "RunTask", **parameters)


@pytest.mark.parametrize("number", [1, 10])
def test_ten_tasks_a_call_are_allowed(number: int) -> None:
    task_rules.count(run_task(count=number))


@pytest.mark.parametrize("number", [0, 11])
def test_an_eleventh_task_is_refused(number: int) -> None:
    with pytest.raises(Refusal, match="between 1 and 10") as refused:
        task_rules.count(run_task(count=number))
    assert refused.value.code == "InvalidParameterException"


def overrides(length: int) -> dict[str, Any]:
    empty = len(json.dumps({"containerOverrides": [{"name": ""}]}, separators=(",", ":")))
    return {"containerOverrides": [{"name": "x" * (length - empty)}]}


def test_overrides_have_8192_characters_and_no_more() -> None:
    task_rules.overrides_length(run_task(overrides=overrides(8192)))
    with pytest.raises(Refusal, match="8193"):
        task_rules.overrides_length(run_task(overrides=overrides(8193)))


@pytest.mark.parametrize(("rule", "parameters"), [
    (task_rules.started_by, {"startedBy": "a" * 129}),
    (task_rules.started_by, {"startedBy": "run 1"}),
    (task_rules.token_form, {"clientToken": "a" * 65}),
    (task_rules.token_form, {"clientToken": "ä"}),
    (task_rules.network, {"launchType": "FARGATE"}),
    (task_rules.network, {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}),
    (task_rules.network, {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"] * 17}}}),
    (task_rules.network, {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"], "securityGroups": ["g"] * 6}}}),
    (task_rules.one_way_to_launch, {"launchType": "FARGATE", "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}),
    (task_rules.described, {"tasks": ["t"] * 101}),
    (task_rules.only_filter, {"startedBy": "run-1", "family": "worker"}),
])  # fmt: skip
def test_what_ecs_refuses_is_an_invalid_parameter(rule: Any, parameters: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        rule(run_task(**parameters))
    assert refused.value.code == "InvalidParameterException"


@pytest.mark.parametrize(("rule", "parameters"), [
    (task_rules.started_by, {"startedBy": "knopfdruck/run-1_2"}),
    (task_rules.token_form, {"clientToken": "f" * 64}),
    (task_rules.network, {"launchType": "FARGATE", "networkConfiguration": NETWORK}),
    (task_rules.described, {"tasks": ["t"] * 100}),
    (task_rules.only_filter, {"startedBy": "run-1", "cluster": "load", "desiredStatus": "STOPPED"}),
    (task_rules.fargate_size, {"requiresCompatibilities": ["FARGATE"], "cpu": "1024", "memory": "2048"}),
    (task_rules.fargate_size, {"requiresCompatibilities": ["EC2"], "cpu": "77", "memory": "5"}),
])  # fmt: skip
def test_what_ecs_takes_passes(rule: Any, parameters: dict[str, Any]) -> None:
    rule(run_task(**parameters))


def test_fargate_has_no_size_between_its_pairs_and_stops_within_two_minutes() -> None:
    fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "1024"}
    with pytest.raises(Refusal, match="No Fargate configuration exists"):
        task_rules.fargate_size(asked("ecs", "RegisterTaskDefinition", **fargate, memory="1536"))
    with pytest.raises(Refusal, match="at most 120"):
        task_rules.stop_timeout(asked("ecs", "RegisterTaskDefinition", **fargate, containerDefinitions=[{"stopTimeout": 121}]))


def test_a_task_definition_of_a_template_is_judged_like_one_of_a_call() -> None:
    properties = {
        "RequiresCompatibilities": ["FARGATE"],
        "Cpu": "256",
        "Memory": "512",
        "ContainerDefinitions": [{"StopTimeout": 120}],
    }
    task_rules.of_template(properties)
    with pytest.raises(Refusal, match="No Fargate configuration exists"):
        task_rules.of_template({**properties, "Memory": "600"})
    with pytest.raises(Refusal, match="at most 120"):
        task_rules.of_template({**properties, "ContainerDefinitions": [{"StopTimeout": "300"}]})


def test_a_token_gives_the_same_tasks_for_the_same_call_and_a_conflict_for_another() -> None:
    now = [0.0]
    tokens = task_rules.Tokens(clock=lambda: now[0])
    first = run_task(clientToken="t", count=2)
    assert tokens.earlier(first) is None
    tokens.remember(first, ("arn-1", "arn-2"))

    assert tokens.earlier(run_task(count=2, clientToken="t")) == ("arn-1", "arn-2")
    assert tokens.earlier(run_task(clientToken="t", count=2, cluster="other")) is None
    with pytest.raises(Refusal) as refused:
        tokens.earlier(run_task(clientToken="t", count=3))
    assert (refused.value.code, refused.value.extra) == ("ConflictException", {"resourceIds": ["arn-1", "arn-2"]})
    now[0] = task_rules.TOKEN_SECONDS
    assert tokens.earlier(run_task(clientToken="t", count=3)) is None


@pytest.mark.parametrize(("kind", "most"), [("Event", 1024**2), ("RequestResponse", 6 * 1024**2)])
def test_a_payload_has_a_megabyte_asynchronously_and_six_synchronously(kind: str, most: int) -> None:
    headers = {"x-amz-invocation-type": kind}
    function_rules.payload(Request("lambda", "Invoke", {}, most, headers))
    with pytest.raises(Refusal) as refused:
        function_rules.payload(Request("lambda", "Invoke", {}, most + 1, headers))
    assert (refused.value.code, refused.value.status) == ("RequestTooLargeException", 413)


def test_a_functions_environment_has_4_kb() -> None:
    function_rules.environment(asked("lambda", "CreateFunction", Environment={"Variables": {"A": "x" * 4095}}))
    with pytest.raises(Refusal, match="4KB"):
        function_rules.environment(asked("lambda", "CreateFunction", Environment={"Variables": {"A": "x" * 4096}}))


def test_a_hundred_of_the_concurrency_stay_unreserved() -> None:
    function_rules.reserved(500, {"other": 400}, 1000)
    with pytest.raises(Refusal, match=r"minimum value of \[100\]"):
        function_rules.reserved(501, {"other": 400}, 1000)


def test_code_has_to_be_in_its_bucket() -> None:
    function_rules.code_found(is_bucket=True, is_object=True)
    with pytest.raises(Refusal, match="NoSuchKey"):
        function_rules.code_found(is_bucket=True, is_object=False)
    with pytest.raises(Refusal, match="NoSuchBucket"):
        function_rules.code_found(is_bucket=False, is_object=False)


def metric(**settings: Any) -> dict[str, Any]:
    return {"MetricName": "Requests", "Value": 1.0, **settings}


@pytest.mark.parametrize("data", [
    [metric()] * 1001,
    [metric(Values=[1.0] * 151)],
    [metric(Dimensions=[{"Name": "n", "Value": "v"}] * 31)],
    [metric(StorageResolution=10)],
    [metric(Values=[1.0, 2.0], Counts=[1.0])],
    [metric(Timestamp=datetime.datetime.fromtimestamp(100_000 - 15 * 86400, datetime.UTC))],
    [metric(Timestamp=100_000 + 3 * 3600)],
])  # fmt: skip
def test_metrics_beyond_what_a_call_carries_are_refused(data: list[dict[str, Any]]) -> None:
    with pytest.raises(Refusal) as refused:
        data_rules.metrics(data, clock=lambda: 100_000.0)
    assert refused.value.code == "InvalidParameterValue"


def test_a_full_call_of_metrics_passes() -> None:
    data_rules.metrics([metric(Values=[1.0] * 150, StorageResolution=1, Timestamp=99_000)] * 1000, clock=lambda: 100_000.0)


@pytest.mark.parametrize("subject", ["x" * 100, "run\nended", "Läuft"])
def test_a_subject_is_ascii_on_one_line_below_a_hundred_characters(subject: str) -> None:
    data_rules.subject(asked("sns", "Publish", Subject="x" * 99))
    with pytest.raises(Refusal) as refused:
        data_rules.subject(asked("sns", "Publish", Subject=subject))
    assert refused.value.code == "InvalidParameter"


def test_a_message_has_256_kib_and_a_log_call_a_megabyte() -> None:
    with pytest.raises(Refusal, match="too long"):
        data_rules.message(asked("sns", "Publish", Message="x" * 262_145))
    with pytest.raises(Refusal, match="too large"):
        data_rules.log_events(asked("logs", "PutLogEvents", logEvents=[{"message": "x" * 1_048_576}]))
    with pytest.raises(Refusal, match="at most 100"):
        data_rules.log_streams(asked("logs", "FilterLogEvents", logStreamNames=["s"] * 101))


@pytest.mark.parametrize("value", [
    {"Ref": "Gone"},
    {"Fn::GetAtt": ["Gone", "Arn"]},
    {"Fn::GetAtt": "Gone.Arn"},
    {"Fn::Sub": "arn:${AWS::Partition}:${Gone}"},
    {"Fn::Sub": ["${Here}", {"Here": {"Ref": "Gone"}}]},
    {"Fn::Join": ["-", ["a", {"Fn::If": ["Big", {"Ref": "Gone"}, "b"]}]]},
])  # fmt: skip
def test_a_reference_to_nothing_is_refused_wherever_it_stands(value: dict[str, Any]) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}}}}
    with pytest.raises(Refusal, match=r"Unresolved resource dependencies \[Gone\] in the Resources block"):
        template_rules.resolved_references(template)


def test_references_to_parameters_resources_and_pseudo_parameters_pass() -> None:
    name = {"Fn::Sub": ["${Env}-${AWS::Region}-${!Literal}-${Own}", {"Own": {"Ref": "Queue"}}]}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    template = {
        "Parameters": {"Env": {"Type": "String"}},
        "Resources": {"Topic": topic, "Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
    }
    template_rules.resolved_references(template)


def test_parameters_and_conditions_that_are_not_declared_are_refused() -> None:
    with pytest.raises(Refusal, match=r"Parameters: \[Envy\] do not exist in the template"):
        template_rules.known_parameters({"Parameters": {"Env": {}}}, ["Env", "Envy"])
    with pytest.raises(Refusal, match=r"condition dependency \[Big\]"):
        template_rules.known_conditions({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Condition": "Big"}}})


@pytest.mark.parametrize(("kind", "properties", "finding"), [
    ("AWS::SQS::Queue", {"QueueNam": "runs"}, r"#: extraneous key \[QueueNam\] is not permitted"),
    ("AWS::Lambda::Function", {"Role": "arn"}, r"#: required key \[Code\] not found"),
    ("AWS::Lambda::Function", {"Code": {}, "Role": "arn", "Timeout": "ten"}, "#/Timeout: expected type: Number"),
    ("AWS::Lambda::Function", {"Code": {}, "Role": "arn", "EphemeralStorage": {}}, r"#/EphemeralStorage: required key \[Size\]"),
    ("AWS::Logs::LogGroup", {"RetentionInDays": 8}, "#/RetentionInDays: 8 is not a valid enum value"),
])  # fmt: skip
def test_properties_that_the_type_does_not_have_are_refused(kind: str, properties: dict[str, Any], finding: str) -> None:
    with pytest.raises(Refusal, match=f"Properties validation failed for resource Probe with message: {finding}"):
        property_rules.check(property_rules.Schemas(Path(_schemas())), kind, "Probe", properties)


def test_text_stands_for_numbers_and_a_type_that_aws_does_not_publish_is_not_judged() -> None:
    schemas = property_rules.Schemas(Path(_schemas()))
    property_rules.check(schemas, "AWS::Logs::LogGroup", "Probe", {"RetentionInDays": "7"})
    property_rules.check(schemas, "Custom::Cleaner", "Probe", {"Anything": 1})


def test_vcpus_are_counted_against_the_quota() -> None:
    assert [quota_rules.vcpus(kind) for kind in ("c7g.medium", "c7g.large", "c7g.xlarge", "c7g.4xlarge")] == [1, 2, 4, 16]
    quota_rules.ec2(2, 4, 6)
    with pytest.raises(Refusal) as refused:
        quota_rules.ec2(4, 4, 6)
    assert refused.value.code == "VcpuLimitExceeded"
    quota_rules.fargate(5 * 1024, 1024, 6)
    with pytest.raises(Refusal, match="limit on the number of vCPUs"):
        quota_rules.fargate(6 * 1024, 256, 6)

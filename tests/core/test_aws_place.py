"""A place in AWS: from a stack's outputs, from what people write, and what it is told to whom."""

from __future__ import annotations

from typing import Any

import pytest

from portal.core.aws_place import AwsPlace, read_place
from portal.core.fields import FieldError
from portal.core.wire import from_plain, to_plain

OUTPUTS = {
    "Region": "eu-west-1", "ResultsBucket": "results-1", "RunnerFunctionName": "runner",
    "RunnerFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:runner:live", "ClusterName": "load",
    "ArtilleryTaskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/artillery:3", "PoolServiceName": "pool",
    "RunnerSubnetIds": "subnet-a, subnet-b,", "RunnerSecurityGroupIds": "sg-1", "AssignPublicIp": "ENABLED",
    "WorkerGroupName": "workers", "CompletionTopicArn": "arn:aws:sns:eu-west-1:123456789012:done",
    "EventsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/events", "LogGroupPrefix": "/knopfdruck/dev",
    "MetricsNamespace": "Knopfdruck",
}  # fmt: skip


def test_the_outputs_of_a_stack_say_all_of_it() -> None:
    place = AwsPlace.from_outputs(OUTPUTS, region="eu-central-1", profile="load")
    assert (place.region, place.bucket, place.profile) == ("eu-west-1", "results-1", "load")
    assert place.function.endswith(":live")
    assert (place.subnets, place.security_groups, place.assign_public_ip) == (("subnet-a", "subnet-b"), ("sg-1",), True)
    assert [place.lacks(name) for name in ("lambda", "fargate", "ec2")] == [(), (), ()]
    assert from_plain(AwsPlace, read_place(to_plain(place))) == place


def test_a_stack_that_lacks_parts_says_which_backends_do_not_run_there() -> None:
    place = AwsPlace.from_outputs({"ResultsBucket": "results-1"}, region="eu-central-1")
    assert place.region == "eu-central-1"
    assert place.lacks("lambda") == ("a Lambda function",)
    assert place.lacks("fargate") == ("an ECS cluster", "a task definition", "subnets")
    assert place.lacks("ec2") == ("an Auto Scaling group of workers",)


def test_workers_are_told_the_store_without_the_portals_way_to_it() -> None:
    place = AwsPlace("eu-west-1", "b-1", profile="load", role_arn="arn:aws:iam::123456789012:role/x", external_id="e")
    assert place.store_url() == "s3://b-1/control?region=eu-west-1"
    assert place.portal_store_url() == (
        "s3://b-1/control?region=eu-west-1&profile=load&role_arn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx&external_id=e"
    )


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [("", False), ("http://127.0.0.1:4566", True), ("http://localhost:4566", True), ("https://aws.example", False)],
)
def test_an_emulator_of_this_machine_is_known_by_its_endpoint(endpoint: str, here: bool) -> None:
    assert AwsPlace("eu-west-1", "b-1", endpoint_url=endpoint).is_on_this_machine is here


@pytest.mark.parametrize(
    "wrong",
    [
        [], {}, {"region": "eu-west-1"}, {"region": "Europe", "bucket": "b-1"}, {"region": "eu-west-1", "bucket": "B"},
        {"region": "eu-west-1", "bucket": "b-1", "typo": 1}, {"region": "eu-west-1", "bucket": "b-1", "endpoint_url": "file:///x"},
        {"region": "eu-west-1", "bucket": "b-1", "role_arn": "me"}, {"region": "eu-west-1", "bucket": "b-1", "subnets": "s"},
        {"region": "eu-west-1", "bucket": "b-1", "prefix": "../x"}, {"region": "eu-west-1", "bucket": "b-1", "function": "a b"},
        {"region": "eu-west-1", "bucket": "b-1", "endpoint_url": "http://h:99999"},
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused_with_a_sentence(wrong: Any) -> None:
    with pytest.raises(FieldError, match=r"\w"):
        read_place(wrong)

"""Where services say their addresses, against answers botocore checks by each service's own model; and a whole place, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any  # Any: boto3's clients, for which we have no stubs

import pytest
from moto import mock_aws

from portal.aws.discovery import Discovery
from portal.aws.errors import AwsMissing
from portal.aws.inspection import inspect
from portal.core.aws_place import AwsPlace
from portal.core.target_refs import TargetRef
from tests.aws.test_doors import stubbed

pytestmark = pytest.mark.usefixtures("_keys")
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/x/"
PLACE = AwsPlace("eu-central-1", "results")


@contextmanager
def looking(service: str, *answers: tuple[str, dict[str, Any], dict[str, Any] | None]) -> Iterator[Discovery]:
    with stubbed(service, *answers) as client:
        yield Discovery(lambda name: client)


def test_a_parameter_says_its_value() -> None:
    answer = {"Parameter": {"Value": " https://shop.example\n"}}
    with looking("ssm", ("get_parameter", answer, {"Name": "/shop/url"})) as discovery:
        assert discovery.find(TargetRef("ssm", "/shop/url")) == "https://shop.example"


def test_a_stack_says_its_output() -> None:
    stack = {"StackName": "shop", "CreationTime": "2026-11-24", "StackStatus": "CREATE_COMPLETE",
             "Outputs": [{"OutputKey": "Url", "OutputValue": "https://shop.example"}]}  # fmt: skip
    answers = ("describe_stacks", {"Stacks": [stack]}, {"StackName": "shop"})
    with looking("cloudformation", answers) as discovery:
        assert discovery.find(TargetRef("cfn", "shop/Url")) == "https://shop.example"
    with looking("cloudformation", answers) as discovery, pytest.raises(AwsMissing, match="no output Other"):
        discovery.find(TargetRef("cfn", "shop/Other"))


def test_of_several_instances_the_first_by_name_is_taken() -> None:
    instances = [{"InstanceId": name, "Attributes": {"AWS_INSTANCE_IPV4": f"10.0.0.{n}", "AWS_INSTANCE_PORT": "8080"}}
                 for n, name in ((2, "b"), (1, "a"))]  # fmt: skip
    with looking("servicediscovery", ("discover_instances", {"Instances": instances}, None)) as discovery:
        assert discovery.find(TargetRef("cloudmap", "shop/product")) == "http://10.0.0.1:8080"
    with looking("servicediscovery", ("discover_instances", {"Instances": []}, None)) as discovery, pytest.raises(AwsMissing):
        discovery.find(TargetRef("cloudmap", "shop/product"))


@pytest.mark.parametrize(("ports", "url"), [([80, 443], "https://shop.elb"), ([8080], "http://shop.elb:8080")])
def test_a_load_balancer_is_found_by_its_tag_and_its_safest_listener(ports: list[int], url: str) -> None:
    answers = (
        ("describe_load_balancers", {"LoadBalancers": [
            {"LoadBalancerArn": ARN + name, "DNSName": f"{name}.elb"} for name in ("other", "shop")]}, None),
        ("describe_tags", {"TagDescriptions": [
            {"ResourceArn": ARN + "other", "Tags": [{"Key": "service", "Value": "blog"}]},
            {"ResourceArn": ARN + "shop", "Tags": [{"Key": "service", "Value": "shop"}]}]},
         {"ResourceArns": [ARN + "other", ARN + "shop"]}),
        ("describe_listeners", {"Listeners": [{"Port": port} for port in ports]}, {"LoadBalancerArn": ARN + "shop"}),
    )  # fmt: skip
    with looking("elbv2", *answers) as discovery:
        assert discovery.find(TargetRef("alb", "service=shop")) == url


def test_a_tag_nobody_has_is_missing() -> None:
    with looking("elbv2", ("describe_load_balancers", {"LoadBalancers": []}, None)) as discovery, pytest.raises(AwsMissing):
        discovery.find(TargetRef("alb", "service=shop"))


def test_a_place_is_inspected_question_by_question() -> None:
    from portal.aws.session import client

    place = AwsPlace("eu-central-1", "results", function="runner", cluster="load", task_definition="t:1", worker_group="workers")
    with mock_aws():
        s3 = client("s3", region="eu-central-1")
        s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        found = {one.what: one for one in inspect(place)}
        left = s3.list_objects_v2(Bucket="results").get("KeyCount")
    fine = {what: one.is_fine for what, one in found.items()}
    assert fine == {"credentials": True, "bucket": True, "lambda": False, "fargate": False, "ec2": False}
    assert "There is no active cluster load" in found["fargate"].words
    assert left == 0


def test_without_a_bucket_it_says_so_and_goes_on() -> None:
    with mock_aws():
        credentials, bucket = inspect(PLACE)
    assert (credentials.is_fine, bucket.is_fine) == (True, False)
    assert "NoSuchBucket" in bucket.words


def test_without_credentials_nothing_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = inspect(AwsPlace("eu-central-1", "results", profile="none-such"))
    assert (finding.what, finding.is_fine) == ("credentials", False)
    assert "none-such" in finding.words

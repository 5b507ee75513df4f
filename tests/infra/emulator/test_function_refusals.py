"""Functions and layers that AWS would not make, by call and by template; what a template reserves is reserved."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.infra.emulator.conftest import REGION, Client
from tests.infra.emulator.templates import deploy, get, resource, update
from tests.infra.emulator.test_functions import zipped

pytestmark = pytest.mark.emulator
TRUSTED = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ROLE = resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUSTED]}})


@pytest.fixture
def bucket(aws: Client) -> str:
    """With `here.zip` in it, and nothing else."""
    s3 = aws("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="code", Key="here.zip", Body=zipped({"entry.py": "def handle(event, context): return 1"}))
    return "code"


def function(key: str, **settings: Any) -> dict[str, Any]:
    asked = {"Runtime": "python3.12", "Handler": "entry.handle", "Role": get("Role", "Arn"),
             "Code": {"S3Bucket": "code", "S3Key": key}, **settings}  # fmt: skip
    return {"Role": ROLE, "Function": resource("AWS::Lambda::Function", asked)}


def made(aws: Client, name: str, code: dict[str, str]) -> Any:
    role = "arn:aws:iam::000000000000:role/runner"
    return aws("lambda").create_function(FunctionName=name, Runtime="python3.12", Role=role, Handler="entry.handle", Code=code)


def test_a_call_needs_code_that_is_there(aws: Client, bucket: str) -> None:
    made(aws, "good", {"S3Bucket": bucket, "S3Key": "here.zip"})
    for code, said in (
        ({"S3Bucket": bucket, "S3Key": "gone.zip"}, "NoSuchKey"),
        ({"S3Bucket": "gone", "S3Key": "x"}, "NoSuchBucket"),
    ):
        with pytest.raises(ClientError, match=said):
            made(aws, "bad", code)
        with pytest.raises(ClientError, match=said):
            aws("lambda").update_function_code(FunctionName="good", **code)
        with pytest.raises(ClientError, match=said):
            aws("lambda").publish_layer_version(LayerName="k6", Content=code)
    assert [each["FunctionName"] for each in aws("lambda").list_functions()["Functions"]] == ["good"]


def test_a_template_needs_code_that_is_there_and_is_rolled_back_without(aws: Client, bucket: str) -> None:
    with pytest.raises(WaiterError, match="NoSuchKey"):
        deploy(aws, function("gone.zip"))
    assert aws("lambda").list_functions()["Functions"] == []
    layer = resource("AWS::Lambda::LayerVersion", {"Content": {"S3Bucket": bucket, "S3Key": "gone.zip"}})
    with pytest.raises(WaiterError, match="NoSuchKey"):
        deploy(aws, {"Layer": layer}, name="layer")


def test_a_template_reserves_what_it_says_and_leaves_a_hundred(aws: Client, bucket: str) -> None:
    name = deploy(aws, function("here.zip", ReservedConcurrentExecutions=900))["Function"]
    assert concurrency(aws, name) == 900
    with pytest.raises(WaiterError, match="UnreservedConcurrentExecution"):
        deploy(aws, function("here.zip", ReservedConcurrentExecutions=1), name="second")
    update(aws, function("here.zip", ReservedConcurrentExecutions=800))
    assert concurrency(aws, name) == 800
    update(aws, function("here.zip"))
    assert concurrency(aws, name) is None


def concurrency(aws: Client, name: str) -> Any:
    return aws("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")

"""The generated policies with IAM enforced: real calls of what a run does, which are allowed, and of what it must not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from portal.aws.discovery import Discovery
from portal.aws.errors import AwsMissing
from portal.aws.pool_service import PoolServiceDoor
from portal.aws.sqs import QueueDoor
from portal.core.target_refs import TargetRef
from tests.infra.deployed import deploy, over_tls, resource

pytestmark = pytest.mark.emulator
REGION = "eu-central-1"
Client = Callable[[str], Any]


def clients(endpoint: str, key: str = "test", secret: str = "test") -> Client:
    make: Any = boto3.client  # typed by service name, which is not known here
    return lambda service: make(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret
    )


class Place:
    """The dev tree, deployed by root, and users who have a generated policy each and nothing else."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.root = clients(endpoint)
        self.without_tls = ("", "")
        self.outputs = deploy(self.root, endpoint)
        self.root("s3").create_bucket(Bucket="foreign", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.root("s3").put_object(Bucket="foreign", Key="control/runs/r/plan.json", Body=b"{}")
        self.root("s3").put_object(Bucket=self.bucket, Key="control/runs/r/plan.json", Body=b"{}")
        self.secret = self.root("secretsmanager").create_secret(Name="untagged", SecretString="x")["ARN"]
        self.marked = self.root("secretsmanager").create_secret(
            Name="marked", SecretString="x", Tags=[{"Key": "knopfdruck:runner", "Value": "true"}]
        )["ARN"]

        mark = [{"Key": "knopfdruck:target", "Value": "true"}]
        self.root("ssm").put_parameter(Name="/shop/url", Value="http://shop.example", Type="String", Tags=mark)
        self.root("ssm").put_parameter(Name="/other/key", Value="x", Type="String")

    def allow_plain_http(self) -> None:
        """The emulator speaks no TLS, and the bucket refuses everything else. So does the queue, for good."""
        self.root("s3").delete_bucket_policy(Bucket=self.bucket)

    @property
    def bucket(self) -> str:
        return self.outputs["ResultsBucket"]

    def worker(self) -> Client:
        """With the inline policy of the role of a worker on Lambda."""
        iam, role = self.root("iam"), resource(self.root, "Iam", "LambdaRole")
        document = iam.get_role_policy(RoleName=role, PolicyName="own")["PolicyDocument"]
        return self._user("worker", document)

    def portal(self) -> Client:
        iam, documents = self.root("iam"), []
        for title in ("StorePolicy", "LauncherPolicy"):
            arn = resource(self.root, "Access", title)
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
        return self._user("portal", *documents)

    def _user(self, name: str, *documents: Any) -> Client:
        iam = self.root("iam")
        iam.create_user(UserName=name)
        for number, document in enumerate(documents):
            text = document if isinstance(document, str) else json.dumps(document)
            iam.put_user_policy(UserName=name, PolicyName=f"generated-{number}", PolicyDocument=text)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return clients(self.endpoint, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator"), auth=True) as emulator:
        yield Place(emulator.endpoint)


@pytest.fixture(scope="module")
def everyone(place: Place) -> tuple[Client, Client]:
    worker, portal = place.worker(), place.portal()
    place.without_tls = (
        refusal(lambda: worker("s3").get_object(Bucket=place.bucket, Key="control/runs/r/plan.json")),
        refusal(lambda: portal("sqs").receive_message(QueueUrl=place.outputs["EventsQueueUrl"])),
    )
    place.allow_plain_http()
    return worker, portal


@pytest.fixture
def worker(everyone: tuple[Client, Client]) -> Client:
    return everyone[0]


@pytest.fixture
def portal(everyone: tuple[Client, Client]) -> Client:
    return everyone[1]


DENIALS = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")


def refusal(call: Callable[[], Any]) -> str:
    """The code of AWS's refusal; empty where it does what it is asked."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_nobody_reaches_results_or_failures_without_tls(place: Place, everyone: tuple[Client, Client]) -> None:
    assert place.without_tls[0] in DENIALS
    assert place.without_tls[1] in DENIALS


def test_a_worker_may_do_all_that_a_run_asks_of_it(place: Place, worker: Client) -> None:
    s3, bucket = worker("s3"), place.bucket
    assert s3.get_object(Bucket=bucket, Key="control/runs/r/plan.json")["Body"].read() == b"{}"
    s3.put_object(Bucket=bucket, Key="control/runs/r/lease/00000/0001", Body=b"", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="control/pool/ec2/workers/i-1.json", Body=b"{}")
    s3.put_object(Bucket=bucket, Key="results/r/raw.json", Body=b"{}")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="control/runs/r/")["KeyCount"] == 2
    worker("sns").publish(TopicArn=place.outputs["CompletionTopicArn"], Message="ended")
    worker("cloudwatch").put_metric_data(Namespace="Knopfdruck", MetricData=[{"MetricName": "Requests", "Value": 1}])
    assert worker("secretsmanager").get_secret_value(SecretId=place.marked)["SecretString"] == "x"


WORKER_MUST_NOT: dict[str, Callable[[Place, Client], Any]] = {
    "write elsewhere in the bucket": lambda p, w: w("s3").put_object(Bucket=p.bucket, Key="scripts/x.js", Body=b""),
    "read another bucket": lambda p, w: w("s3").get_object(Bucket="foreign", Key="control/runs/r/plan.json"),
    "change the code that is deployed": lambda p, w: w("s3").put_object(Bucket="artefacts", Key="runner.zip", Body=b""),
    "delete what a run wrote": lambda p, w: w("s3").delete_object(Bucket=p.bucket, Key="control/runs/r/plan.json"),
    "list the whole bucket": lambda p, w: w("s3").list_objects_v2(Bucket=p.bucket, Prefix=""),
    "ring an alarm": lambda p, w: w("sns").publish(TopicArn=resource(p.root, "Messaging", "Alarms"), Message="x"),
    "size the group": lambda p, w: w("autoscaling").set_desired_capacity(
        AutoScalingGroupName=p.outputs["WorkerGroupName"], DesiredCapacity=1
    ),
    "start more workers": lambda p, w: w("lambda").invoke(FunctionName=p.outputs["RunnerFunctionName"], InvocationType="Event"),
    "count in another namespace": lambda p, w: w("cloudwatch").put_metric_data(
        Namespace="Foreign", MetricData=[{"MetricName": "Requests", "Value": 1}]
    ),
    "read a secret that is not marked": lambda p, w: w("secretsmanager").get_secret_value(SecretId=p.secret),
    "make a role": lambda p, w: w("iam").create_role(RoleName="x", AssumeRolePolicyDocument="{}"),
    "run an instance": lambda p, w: w("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1),
    "look at stacks": lambda p, w: w("cloudformation").describe_stacks(),
}


@pytest.mark.parametrize("what", WORKER_MUST_NOT)
def test_a_worker_must_not(what: str, place: Place, worker: Client) -> None:
    assert refusal(lambda: WORKER_MUST_NOT[what](place, worker)) in DENIALS


def test_a_portal_may_run_tasks_of_our_cluster_by_whatever_name(place: Place, portal: Client) -> None:
    """The policy names the cluster's ARN, a call may name it otherwise; and the roles of the task are passed to ECS alone."""
    outputs, ecs = place.outputs, portal("ecs")
    subnets = outputs["RunnerSubnetIds"].split(",")
    card: Any = {"subnets": subnets, "securityGroups": [outputs["RunnerSecurityGroupIds"]], "assignPublicIp": "ENABLED"}
    (task,) = ecs.run_task(
        cluster=outputs["ClusterName"], taskDefinition=outputs["ArtilleryTaskDefinitionArn"], launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": card},
    )["tasks"]  # fmt: skip
    assert ecs.list_tasks(cluster=task["clusterArn"])["taskArns"] in ([task["taskArn"]], [])
    ecs.stop_task(cluster=outputs["ClusterName"], task=task["taskArn"])


def test_a_portal_may_start_stop_and_read(place: Place, portal: Client) -> None:
    outputs = place.outputs
    answer = portal("lambda").invoke(FunctionName=outputs["RunnerFunctionArn"], InvocationType="Event", Payload=b"{}")
    assert answer["StatusCode"] == 202
    portal("lambda").put_function_concurrency(FunctionName=outputs["RunnerFunctionName"], ReservedConcurrentExecutions=0)
    portal("sns").publish(TopicArn=outputs["CompletionTopicArn"], Message="ended")
    portal("cloudwatch").put_metric_data(Namespace="Knopfdruck", MetricData=[{"MetricName": "Requests", "Value": 1}])
    portal("autoscaling").set_desired_capacity(AutoScalingGroupName=outputs["WorkerGroupName"], DesiredCapacity=0)
    portal("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[outputs["WorkerGroupName"]])
    pool = PoolServiceDoor(portal("ecs"), portal("application-autoscaling"))
    assert pool.look(outputs["ClusterName"], outputs["PoolServiceName"]).most == 10
    pool.grow(outputs["ClusterName"], outputs["PoolServiceName"], 0)
    s3 = portal("s3")
    s3.put_object(Bucket=place.bucket, Key="control/runs/p/plan.json", Body=b"{}")
    s3.delete_object(Bucket=place.bucket, Key="control/runs/p/plan.json")


def test_a_portal_reads_and_clears_the_queue_of_failed_calls(place: Place, portal: Client) -> None:
    url, sqs = place.outputs["EventsQueueUrl"], over_tls(portal("sqs"))
    over_tls(place.root("sqs")).send_message(QueueUrl=url, MessageBody="a record")
    messages = QueueDoor(sqs).receive(url, hidden_seconds=1)
    assert [message.body for message in messages] == ["a record"]
    QueueDoor(sqs).delete(url, messages)
    unread = resource(place.root, "Messaging", "Unread")
    for call in (
        lambda: sqs.send_message(QueueUrl=url, MessageBody="x"),
        lambda: sqs.purge_queue(QueueUrl=url),
        lambda: sqs.receive_message(QueueUrl=unread),
    ):
        assert refusal(call) in DENIALS


def test_a_portal_finds_addresses_where_they_are_marked_as_targets(place: Place, portal: Client) -> None:
    assert Discovery(portal).find(TargetRef("ssm", "/shop/url")) == "http://shop.example"
    with pytest.raises(AwsMissing, match="has the tag"):
        Discovery(portal).find(TargetRef("alb", "app=shop"))


PORTAL_MUST_NOT: dict[str, Callable[[Place, Client], Any]] = {
    "register a task": lambda p, c: c("ecs").register_task_definition(family="x", containerDefinitions=[{"name": "x",
                                                                                                         "image": "x"}]),
    "run an instance": lambda p, c: c("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1),
    "change a function's code": lambda p, c: c("lambda").update_function_code(
        FunctionName=p.outputs["RunnerFunctionName"], S3Bucket="artefacts", S3Key="k6.zip"),
    "call another function": lambda p, c: c("lambda").invoke(FunctionName=resource(p.root, "Monitoring", "Sweeper")),
    "run tasks of another cluster": lambda p, c: c("ecs").run_task(
        cluster="foreign", taskDefinition=p.outputs["ArtilleryTaskDefinitionArn"]),
    "size a group of others": lambda p, c: c("autoscaling").set_desired_capacity(
        AutoScalingGroupName="foreign", DesiredCapacity=0),
    "size a service of others": lambda p, c: c("ecs").update_service(cluster=p.outputs["ClusterName"], service="x"),
    "count in another namespace": lambda p, c: c("cloudwatch").put_metric_data(
        Namespace="Foreign", MetricData=[{"MetricName": "Requests", "Value": 1}]),
    "make a role": lambda p, c: c("iam").create_role(RoleName="x", AssumeRolePolicyDocument="{}"),
    "delete the bucket": lambda p, c: c("s3").delete_bucket(Bucket=p.bucket),
    "change the code that is deployed": lambda p, c: c("s3").put_object(Bucket="artefacts", Key="runner.zip", Body=b""),
    "read a secret": lambda p, c: c("secretsmanager").get_secret_value(SecretId=p.secret),
    "read a parameter that is no target's": lambda p, c: c("ssm").get_parameter(Name="/other/key"),
    "read a stack that is no target's": lambda p, c: c("cloudformation").describe_stacks(StackName="knopfdruck-dev"),
    "take a role that is not of an installation": lambda p, c: c("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/admin", RoleSessionName="portal"),
    "read a log of others": lambda p, c: c("logs").filter_log_events(logGroupName="/aws/lambda/foreign"),
    "delete a topic": lambda p, c: c("sns").delete_topic(TopicArn=p.outputs["CompletionTopicArn"]),
    "delete the stack": lambda p, c: c("cloudformation").delete_stack(StackName="knopfdruck-dev"),
}  # fmt: skip


@pytest.mark.parametrize("what", PORTAL_MUST_NOT)
def test_a_portal_must_not(what: str, place: Place, portal: Client) -> None:
    assert refusal(lambda: PORTAL_MUST_NOT[what](place, portal)) in DENIALS

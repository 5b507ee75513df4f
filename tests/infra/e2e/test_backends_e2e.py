"""One run on each backend of the deployed dev tree, by the portal's API, with IAM enforced: what it measures is what the target
counted and what the same run measures on this machine; it is logged, told of, and leaves nothing that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any  # Any: JSON answers, and clients of services by name

import psutil
import pytest

from tests.infra.e2e.aws_stage import ENVIRONMENT, REGION, AwsStage, aws_stage
from tests.infra.e2e.comparison import (
    FLOW,
    SLOW_MS,
    SLOW_ROUTE,
    STEADY,
    assert_alike,
    assert_as_counted,
    assert_latency,
    assert_whole,
)
from tests.infra.emulator.conftest import eventually
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]
SCENARIOS = {"lambda": "steady", "fargate": "flow", "ec2": "steady"}


@pytest.fixture(scope="module")
def stage(shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStage]:
    with aws_stage(tmp_path_factory.mktemp("aws"), shop.targets, {"steady.js": STEADY, "flow.yml": FLOW}) as running:
        yield running


@pytest.fixture(scope="module")
def inbox(stage: AwsStage) -> str:
    """A queue that hears what the completion topic says, and lets that topic write to it."""
    sqs, topic = stage.client("sqs"), stage.outputs["CompletionTopicArn"]
    url = str(sqs.create_queue(QueueName="inbox")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [told]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    stage.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


@pytest.fixture(scope="module")
def here(stage: AwsStage, shop: ShopProcess) -> dict[str, dict[str, Any]]:
    """The results of each scenario when its workers are processes of this machine."""
    places = {"steady": "lambda", "flow": "fargate"}
    return {scenario: results(stage, shop, "shop", backend, scenario) for scenario, backend in places.items()}


@pytest.mark.parametrize("backend", SCENARIOS)
def test_a_run_of_a_deployed_backend_is_what_it_is_here(
    stage: AwsStage, shop: ShopProcess, inbox: str, here: dict[str, dict[str, Any]], backend: str
) -> None:
    there = results(stage, shop, ENVIRONMENT, backend, SCENARIOS[backend])

    assert_alike(there, here[SCENARIOS[backend]])
    assert_logged(stage, backend, there["id"])
    assert_told(stage, inbox, there)
    assert_nothing_works(stage, there["id"])


def results(stage: AwsStage, shop: ShopProcess, environment: str, backend: str, scenario: str) -> dict[str, Any]:
    """Of a run that passed, counted exactly what the shop did, and measured how slow it was."""
    shop.reset()
    shop.faults("product", latency_ms=SLOW_MS, route=SLOW_ROUTE)
    body = {"scenario": scenario, "environment": environment, "workers": 2}
    found = stage.wait(stage.start(backend, body))
    assert (found["end_reason"], found["verdict"]) == ("completed", "passed"), found
    assert found["summary"]["requests"] == shop.requests()
    assert_as_counted(found, shop.counters("product"))
    assert_whole(found)
    assert_latency(found)
    assert [worker["state"] for worker in found["workers"]] == ["done", "done"]
    return found


def assert_logged(stage: AwsStage, backend: str, run: str) -> None:
    """Both workers' last words are in the log group of their backend, and read from their own streams by the portal."""

    def slots() -> list[int]:
        return sorted(said["slot"] for said in stage.last_words(backend, run))

    assert eventually(lambda: slots() == [0, 1]), slots()
    for slot in (0, 1):
        found = stage.ask("GET", f"/load-tests/{run}/workers/{slot}/log?lines=200")
        stream = stage.client("logs").get_log_events(logGroupName=found["log"]["group"], logStreamName=found["log"]["stream"])
        lines = [line["text"] for line in found["lines"]]
        assert any(line.startswith('{"event": "worker_done"') and run in line for line in lines), found
        assert set(lines) <= {event["message"].rstrip()[:2000] for event in stream["events"]}, found["log"]


def assert_told(stage: AwsStage, inbox: str, found: dict[str, Any]) -> None:
    """That it started, and how it ended, with its numbers."""
    heard: dict[str, dict[str, Any]] = {}

    def listen() -> bool:
        sqs = stage.client("sqs")
        for message in sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", ()):
            said = json.loads(json.loads(message["Body"])["Message"])
            if said["run"] == found["id"]:
                heard[said["moment"]] = said
            sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
        return {"started", "ended"} <= heard.keys()

    assert eventually(listen), heard
    last = heard["ended"]
    assert (last["verdict"], last["backend"], last["numbers"]["requests"]) == (
        "passed", found["backend"], found["summary"]["requests"]
    )  # fmt: skip


def assert_nothing_works(stage: AwsStage, run: str) -> None:
    """No task, no process of the run; instances wait in their pool, unprotected."""
    tasks = stage.client("ecs").list_tasks(cluster=stage.outputs["ClusterName"], desiredStatus="RUNNING")
    assert tasks["taskArns"] == []
    assert eventually(lambda: not processes_of(run)), processes_of(run)
    groups = stage.client("autoscaling")

    def protected() -> list[str]:
        found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[stage.outputs["WorkerGroupName"]])
        (group,) = found["AutoScalingGroups"]
        return [one["InstanceId"] for one in group["Instances"] if one["ProtectedFromScaleIn"]]

    assert eventually(lambda: not protected()), protected()


def processes_of(run: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("KNOPFDRUCK_RUN") == run:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_deleting_the_stacks_ends_the_instances_that_waited(stage: AwsStage) -> None:
    machines = eventually(lambda: stage.emulator.instances())
    assert machines, "the run on EC2 left instances that wait for the next"
    gone = stage.as_root("infra", "delete", "--env", "dev", "--region", REGION,
                         "--endpoint-url", stage.emulator.endpoint, "--yes")  # fmt: skip
    assert gone.code == 0, gone.out[-3000:] + gone.err
    assert eventually(lambda: not stage.emulator.instances())
    folders = {machine["folder"] for machine in machines}
    assert eventually(lambda: not [p for p in psutil.process_iter(["environ"]) if _root(p) in folders])


def _root(process: psutil.Process) -> str:
    return str((process.info["environ"] or {}).get("KNOPFDRUCK_ROOT", ""))

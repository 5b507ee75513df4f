"""A worker that Lambda gave up, on the deployed stack with IAM enforced: the queue tells, and the run acts and says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.infra.deployed import over_tls
from tests.infra.e2e.aws_stage import AwsStage, aws_stage
from tests.infra.emulator.conftest import eventually
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
STEADY = """
import http from 'k6/http';
export const options = {
  scenarios: { all: { executor: 'constant-arrival-rate', rate: 10, duration: '30s', preAllocatedVUs: 10 } },
};
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""


@pytest.fixture(scope="module")
def stage(shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStage]:
    folder, no = tmp_path_factory.mktemp("aws"), "false"
    with aws_stage(folder, shop.targets, {"steady.js": STEADY}, DeployFargate=no, DeployEc2=no, DeployPortal=no) as running:
        # The emulator speaks no TLS, without which the portal would not reach the queue.
        queue = running.outputs["EventsQueueUrl"]
        over_tls(running.client("sqs")).set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
        yield running


def test_a_worker_whose_call_fails_is_replaced_and_the_run_says_what_aws_said(stage: AwsStage) -> None:
    run = stage.start("lambda", {"scenario": "steady", "workers": 2, "on_worker_loss": "replace"})
    assert eventually(lambda: stage.ask("GET", f"/load-tests/{run}/status")["state"] == "running", 60)
    kill_agent(run, slot=1)
    found = stage.wait(run)
    lost, second = [worker for worker in found["workers"] if worker["slot"] == 1]
    assert (lost["state"], second["state"], second["epoch"]) == ("lost", "done", 2), found["workers"]
    # By its silence alone it would be "No sign of life for 14 s."
    assert lost["message"].startswith("AWS Lambda: the call failed: "), lost
    assert "ended with code -9" in lost["message"], lost
    assert_logs_are_found(stage, run)
    said = [event["text"] for event in events(stage, run) if event["kind"] == "log"]
    assert any(text == f"Worker 1: {lost['message']}" for text in said), said
    assert waiting(stage) == "0"


def test_a_function_that_may_not_run_at_all_ends_the_launch_with_the_reason(stage: AwsStage) -> None:
    function = {"FunctionName": stage.outputs["RunnerFunctionName"]}
    stage.client("lambda").put_function_concurrency(**function, ReservedConcurrentExecutions=0)
    try:
        found = stage.wait(stage.start("lambda", {"scenario": "steady", "workers": 1}))
    finally:
        stage.client("lambda").delete_function_concurrency(**function)
    assert (found["end_reason"], found["verdict"]) == ("launch_failed", "inconclusive"), found
    assert found["message"] == "AWS Lambda: the call was refused, because the function's reserved concurrency is 0."


def assert_logs_are_found(stage: AwsStage, run: str) -> None:
    """By the launcher's role: the last words of the workers that ended well, and the end of the one that did not."""
    for slot, epoch, event in ((0, 1, "worker_done"), (1, 2, "worker_done"), (1, 1, "worker_ended")):
        found = stage.ask("GET", f"/load-tests/{run}/workers/{slot}/log?epoch={epoch}&lines=200")
        assert found["log"]["group"] == f"{stage.outputs['LogGroupPrefix']}/lambda"
        said = [json.loads(line["text"]) for line in found["lines"] if line["text"].startswith("{")]
        told = [(each["run"], each["slot"]) for each in said if each.get("event") == event]
        assert told == [(run, slot)], found
        assert (found["log"]["stream"] != "", found["note"]) == (True, "")


def kill_agent(run: str, *, slot: int) -> None:
    """As a fault of the machine would: its engine dies with it, and nobody says goodbye."""
    asked = {"KNOPFDRUCK_RUN": run, "KNOPFDRUCK_SLOT": str(slot)}
    for process in psutil.process_iter():
        try:
            if "runner_images.agent" in process.cmdline() and asked.items() <= process.environ().items():
                process.kill()
                return
        except psutil.Error:
            continue
    raise AssertionError(f"no agent of slot {slot} of run {run}")


def events(stage: AwsStage, run: str) -> list[dict[str, Any]]:
    return list(stage.ask("GET", f"/load-tests/{run}/events")["events"])


def waiting(stage: AwsStage) -> str:
    queue = stage.outputs["EventsQueueUrl"]
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stage.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=wanted)["Attributes"]
    return str(sum(int(number) for number in found.values()))

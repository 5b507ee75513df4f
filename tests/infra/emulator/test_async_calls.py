"""Calls that fail are told of as AWS tells of them: by the alias's settings, with the reason and the number of tries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.core.failed_call import read_failed_call
from tests.infra.emulator.conftest import Client, eventually
from tests.infra.emulator.test_functions import zipped

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(180)]
HANDLER = """
import time
def handle(event, context):
    time.sleep(event.get("seconds", 0))
    if event.get("fails"):
        raise RuntimeError("It broke.")
"""
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:runner:live"
Record = dict[str, Any]


class Calls:
    """A function behind an alias `live`, whose calls that fail are told of in a queue."""

    def __init__(self, aws: Client) -> None:
        self.functions, self.sqs = aws("lambda"), aws("sqs")
        self.url = self.sqs.create_queue(QueueName="failed")["QueueUrl"]
        self.functions.create_function(
            FunctionName="runner", Runtime="python3.11", Role="arn:aws:iam::000000000000:role/runner", Handler="entry.handle",
            Code={"ZipFile": zipped({"entry.py": HANDLER})}, Timeout=60,
        )  # fmt: skip
        assert eventually(lambda: self.functions.get_function(FunctionName="runner")["Configuration"]["State"] == "Active")
        version = self.functions.publish_version(FunctionName="runner")["Version"]
        self.functions.create_alias(FunctionName="runner", Name="live", FunctionVersion=version)
        self.settle(retries=0)

    def settle(self, *, retries: int) -> None:
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.functions.put_function_event_invoke_config(
            FunctionName="runner", Qualifier="live", MaximumRetryAttempts=retries, MaximumEventAgeInSeconds=60,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )  # fmt: skip

    def call(self, **event: Any) -> None:
        payload = {"run": "r-1", "slot": 2, "epoch": 1, **event}
        answer = self.functions.invoke(FunctionName=ARN, InvocationType="Event", Payload=json.dumps(payload).encode())
        assert answer["StatusCode"] == 202

    def told(self, seconds: float = 20.0) -> tuple[Record, str]:
        """The next record, and what our own reader makes of it."""
        found: Callable[[], Any] = lambda: self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get("Messages")  # noqa: E731
        (message,) = eventually(found, seconds)
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"]), read_failed_call(message["Body"]).why


@pytest.fixture
def calls(aws: Client) -> Calls:
    return Calls(aws)


def test_a_call_that_fails_is_not_repeated_and_told_of_once(calls: Calls) -> None:
    calls.call(fails=False)
    calls.call(fails=True)
    record, why = calls.told()
    context = record["requestContext"]
    assert (context["functionArn"], context["condition"], context["approximateInvokeCount"]) == (ARN, "RetriesExhausted", 1)
    assert record["requestPayload"] == {"run": "r-1", "slot": 2, "epoch": 1, "fails": True}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert why.startswith("AWS Lambda: the call failed: ")
    assert "It broke" in why
    counted = calls.sqs.get_queue_attributes(QueueUrl=calls.url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert counted == {"ApproximateNumberOfMessages": "0"}


def test_a_retry_is_made_where_it_is_asked_for(calls: Calls) -> None:
    calls.settle(retries=1)
    calls.call(fails=True)
    assert calls.told()[0]["requestContext"]["approximateInvokeCount"] == 2


def test_without_any_concurrency_a_call_is_refused_at_once(calls: Calls) -> None:
    calls.functions.put_function_concurrency(FunctionName="runner", ReservedConcurrentExecutions=0)
    calls.call()
    record, why = calls.told()
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert "reserved concurrency is 0" in why
    assert "responsePayload" not in record


def test_what_is_throttled_waits_until_it_is_too_old(calls: Calls) -> None:
    """After 1, 2, 4, 8 and 16 seconds; the next pause would be longer than a call may wait."""
    calls.functions.put_function_concurrency(FunctionName="runner", ReservedConcurrentExecutions=1)
    calls.call(seconds=50)
    calls.call(slot=3)
    record, why = calls.told(seconds=90)
    context = record["requestContext"]
    assert (context["condition"], record["requestPayload"]["slot"]) == ("EventAgeExceeded", 3)
    assert context["approximateInvokeCount"] > 1
    assert "want of concurrency" in why

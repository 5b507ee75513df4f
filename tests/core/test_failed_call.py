"""Lambda's record of a call that it gave up: whose it was, why, and what is none."""

from __future__ import annotations

import json

import pytest

from portal.core.errors import WireInvalid
from portal.core.failed_call import LONGEST_WORDS, read_failed_call
from tests.backends.lambda_place import a_record

AWS_OWN = """{
  "version": "1.0", "timestamp": "2019-11-14T18:16:05.568Z",
  "requestContext": {"requestId": "e4b46cbf", "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST",
                     "condition": "RetriesExhausted", "approximateInvokeCount": 3},
  "requestPayload": {"run": "20261129-1", "slot": 2},
  "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
  "responsePayload": {"errorMessage": "RequestId: e4b46cbf Process exited before completing request"}
}"""
"""The example of the developer guide, but for its payload."""


def test_the_record_of_aws_s_own_guide_is_read() -> None:
    call = read_failed_call(AWS_OWN)
    assert (call.run, call.slot, call.epoch, call.at) == ("20261129-1", 2, 1, 1573755365.568)
    assert call.why == "AWS Lambda: the call failed: RequestId: e4b46cbf Process exited before completing request."


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("RetriesExhausted", "AWS Lambda: the call failed: WorkerFailed: The worker ended with code 70."),
        ("EventAgeExceeded", "AWS Lambda: the call was dropped, because it could not be run in time in 6 tries; "
                             "mostly for want of concurrency."),
        ("ZeroReservedConcurrency", "AWS Lambda: the call was refused, because the function's reserved concurrency is 0."),
        ("SomethingNew", "AWS Lambda: the call was given up (SomethingNew)."),
    ],
)  # fmt: skip
def test_each_condition_is_a_sentence(condition: str, why: str) -> None:
    call = read_failed_call(a_record(5.0, condition, run="r", slot=3, epoch=2))
    assert (call.slot, call.epoch, call.at, call.why) == (3, 2, 5.0, why)


def test_what_failed_is_said_in_one_short_line_and_without_a_stack_trace() -> None:
    payload = {"errorMessage": "a\nb\x1b[31m " + "x" * 5000, "errorType": 7, "stackTrace": ["secret"]}
    call = read_failed_call(a_record(5.0, run="r", slot=0, epoch=1, payload=payload))
    assert call.why.startswith("AWS Lambda: the call failed: a b[31m xxx")
    assert len(call.why) < LONGEST_WORDS + 50
    assert "secret" not in call.why


GOOD = json.loads(a_record(5.0, run="r", slot=0, epoch=1))


@pytest.mark.parametrize(
    "record",
    [
        "", "no json", "[]", "null", "{}",
        json.dumps({**GOOD, "requestPayload": "x"}),
        json.dumps({**GOOD, "requestPayload": {"slot": 0, "epoch": 1}}),
        json.dumps({**GOOD, "requestPayload": {"run": "../x", "slot": 0, "epoch": 1}}),
        json.dumps({**GOOD, "requestPayload": {"run": "r", "slot": -1, "epoch": 1}}),
        json.dumps({**GOOD, "requestPayload": {"run": "r", "slot": True, "epoch": 1}}),
        json.dumps({**GOOD, "requestPayload": {"run": "r", "slot": 0, "epoch": 1 << 40}}),
        json.dumps({**GOOD, "timestamp": "yesterday"}),
        json.dumps({**GOOD, "requestContext": None}),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(record: str) -> None:
    with pytest.raises(WireInvalid):
        read_failed_call(record)

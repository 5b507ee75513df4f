"""Asynchronous calls of functions nearer to AWS: settings count by the alias that was called, what is throttled waits until it
is too old, and a call that is given up is told of in a queue, by AWS's record and with the rights of the function's role.

ministack knows settings and reserved concurrency of `$LATEST` only, repeats what is called by an alias, and says of every call
that it was made three times. Other destinations than queues are left to it. [D: invocation-async-error-handling, -retain-records]
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import lambda_svc, sqs

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import credentials

log = logging.getLogger("knopfdruck.async_calls")
LONGEST_PAUSE = 300.0
USUAL_RETRIES, USUAL_AGE = 2, 21600
Call = dict[str, Any]


def install() -> None:
    plug(lambda_svc, "invoke_async_with_retry", lambda _: _begin)


def _begin(record: Call, event: Any) -> None:
    """Answers at once; the call goes on by itself."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_in_its_account, record, event), daemon=True).start()


def _in_its_account(record: Call, event: Any) -> None:
    region, account = record["config"]["FunctionArn"].split(":")[3:5]
    with request_scope(account, region):
        settings = _settings(record["config"])
        condition, tries, result = _made(record, event, settings)
        if condition:
            _tell(record["config"], settings, event, condition, tries, result)


def _settings(config: Call) -> Call:
    qualifier = config["FunctionArn"].split(":")[7:8]
    by_qualifier: Call = lambda_svc._functions[config["FunctionName"]].get("event_invoke_configs") or {}
    found: Call = by_qualifier.get(qualifier[0] if qualifier else "") or {}
    return found


def _made(record: Call, event: Any, settings: Call) -> tuple[str, int, Call]:
    """Why it was given up (empty: it was not), after how many tries, and the last answer, where there was one."""
    oldest = time.monotonic() + float(settings.get("MaximumEventAgeInSeconds", USUAL_AGE))
    retries = int(settings.get("MaximumRetryAttempts", USUAL_RETRIES))
    tries, failures, pause = 0, 0, 1.0
    while True:
        reserved = lambda_svc._functions[record["config"]["FunctionName"]].get("concurrency")
        if reserved == 0:
            return "ZeroReservedConcurrency", tries, {}
        tries += 1
        result: Call = lambda_svc._execute_function({**record, "concurrency": reserved}, event)
        if not result.get("error"):
            return "", tries, result
        if not result.get("throttle"):
            failures += 1
            if failures > retries:
                return "RetriesExhausted", tries, result
            pause = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS * 2 ** (failures - 1)
        if time.monotonic() + pause > oldest:
            return "EventAgeExceeded", tries, {}
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _tell(config: Call, settings: Call, event: Any, condition: str, tries: int, result: Call) -> None:
    wanted = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
    letters = (config.get("DeadLetterConfig") or {}).get("TargetArn", "")
    if wanted.split(":")[2:3] == ["sqs"]:
        _send(config, wanted, _written(config, event, condition, tries, result))
    elif wanted or letters:
        lambda_svc._route_async_failure(wanted or letters, config["FunctionName"], event, result)


def _written(config: Call, event: Any, condition: str, tries: int, result: Call) -> Call:
    arn, now = config["FunctionArn"], datetime.now(UTC)
    found: Call = {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": str(uuid.uuid4()), "functionArn": arn if len(arn.split(":")) > 7 else f"{arn}:$LATEST",
            "condition": condition, "approximateInvokeCount": tries,
        },
        "requestPayload": event,
    }  # fmt: skip
    if result:
        executed = {"statusCode": 200, "executedVersion": config.get("Version", "$LATEST")}
        found["responseContext"] = executed | {"functionError": result.get("function_error") or "Unhandled"}
        found["responsePayload"] = result.get("body")
    return found


def _send(config: Call, queue_arn: str, record: Call) -> None:
    """As Lambda does: over TLS, as the function's role. What it may not send is lost, as it is in AWS."""
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    if sqs._queue_by_arn(queue_arn) is None:
        log.warning("%s: there is no queue %s", config["FunctionName"], queue_arn)
    elif PLACE.auth and not _may_send(config.get("Role", ""), queue_arn):
        log.warning("%s: its role may not send to %s", config["FunctionName"], queue_arn)
    else:
        sqs._act_send_message({"MessageBody": json.dumps(record)}, queue_arn.rpartition(":")[2])


def _may_send(role_arn: str, queue_arn: str) -> bool:
    key = credentials.of_role(role_arn, "async-calls")["AccessKeyId"]
    region = queue_arn.split(":")[3]
    return iam_evaluator.enforce(key, "sqs:SendMessage", "sqs", region, resource_arn=queue_arn) is None

"""The door to Lambda: asynchronous calls of one function, each sent once. Raises AwsError only.

A call whose answer was lost may have been taken; that is for the caller to know, so nothing is sent again here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsRefused, translated
from portal.aws.session import ONCE, place_client
from portal.core.aws_place import AwsPlace

MOST_PAYLOAD = 1_000_000
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    memory_mb: int
    seconds: int


class LambdaDoor:
    """Safe between threads."""

    def __init__(self, awslambda: Any) -> None:
        self._lambda = awslambda

    @classmethod
    def of(cls, place: AwsPlace, *, connections: int) -> LambdaDoor:
        return cls(place_client(place, "lambda", attempts=ONCE, connections=connections))

    def call(self, function: str, event: Mapping[str, object]) -> str:
        """The request's id, once the event is queued."""
        payload = json.dumps(event).encode()
        if len(payload) > MOST_PAYLOAD:
            raise AwsRefused("lambda:InvokeFunction: the event is too large.", operation="lambda:InvokeFunction", reason="Size")
        with translated("lambda:InvokeFunction"):
            answer = self._lambda.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
        if answer["StatusCode"] != ACCEPTED:
            raise AwsRefused(
                f"lambda:InvokeFunction: answered {answer['StatusCode']} instead of {ACCEPTED}.",
                operation="lambda:InvokeFunction", reason=str(answer["StatusCode"]),
            )  # fmt: skip
        return str(answer["ResponseMetadata"].get("RequestId") or "unknown")

    def facts(self, function: str) -> FunctionFacts:
        with translated("lambda:GetFunctionConfiguration"):
            found = self._lambda.get_function_configuration(FunctionName=function)
        return FunctionFacts(int(found["MemorySize"]), int(found["Timeout"]))

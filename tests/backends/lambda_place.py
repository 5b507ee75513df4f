"""Lambda as a small real world behind its doors: the calls it took, and the queue of those it gave up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from portal.aws.awslambda import LambdaDoor
from portal.aws.errors import AwsError
from portal.aws.sqs import BATCH, Message, QueueDoor
from portal.backends.aws_lambda import LambdaBackend
from portal.core.ports import WorkerHandle
from tests.backends.places import PLACE, FakeQuotas, Started, Trouble
from tests.fakes import FakeClock


class FakeQueue(QueueDoor):
    """Hides what it has given, and gives it again, as SQS does; `away`: it cannot be asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.bodies: dict[str, str] = {}
        self.deliveries: dict[str, int] = {}
        self.receives = 0
        self.away: AwsError | None = None
        self._clock, self._hidden_until = clock, dict[str, float]()

    def put(self, body: str) -> None:
        self.bodies[f"message-{len(self.deliveries)}"] = body
        self.deliveries[f"message-{len(self.deliveries)}"] = 0

    def receive(self, url: str, *, hidden_seconds: int) -> tuple[Message, ...]:
        self.receives += 1
        if self.away is not None:
            raise self.away
        now = self._clock.now()
        found = [handle for handle in self.bodies if self._hidden_until.get(handle, 0.0) <= now][:BATCH]
        for handle in found:
            self._hidden_until[handle] = now + hidden_seconds
            self.deliveries[handle] += 1
        return tuple(Message(self.bodies[handle], handle, self.deliveries[handle]) for handle in found)

    def delete(self, url: str, messages: Sequence[Message]) -> None:
        for message in messages:
            del self.bodies[message.handle]


class LambdaWorld(LambdaDoor):
    def __init__(self) -> None:
        self.clock, self.trouble, self.quotas = FakeClock(), Trouble(), FakeQuotas()
        self.queue = FakeQueue(self.clock)
        self.events: list[Mapping[str, object]] = []

    def backend(self) -> LambdaBackend:
        return LambdaBackend(PLACE, self, self.quotas, self.queue, self.clock)

    def call(self, function: str, event: Mapping[str, object]) -> str:
        error = self.trouble.of(int(str(event["slot"])))
        if error is None or self.trouble.after:
            self.events.append(event)
        if error is not None:
            raise error
        return f"request-{event['slot']}"

    def started(self) -> Started:
        return {(int(str(event["slot"])), int(str(event["epoch"]))) for event in self.events}

    def begin(self, handle: WorkerHandle) -> None:
        """Nobody sees it from outside, nor that it lives on or leaves."""

    live = leave = begin

    def die(self, handle: WorkerHandle) -> None:
        """Nor this; but Lambda writes it down."""
        self.queue.put(a_record(self.clock.now(), run="run1", slot=handle.slot, epoch=handle.epoch))


def a_record(at: float, condition: str = "RetriesExhausted", *, payload: object = None, **asked: object) -> str:
    """Of a call that was given up at `at`, as Lambda writes it for a queue."""
    said = {"errorMessage": "The worker ended with code 70.", "errorType": "WorkerFailed", "stackTrace": ["secret = 'x'"]}
    arn = "arn:aws:lambda:eu-central-1:1:function:runner:live"
    context = {"requestId": "r-1", "functionArn": arn, "condition": condition, "approximateInvokeCount": 6}
    record: dict[str, object] = {
        "version": "1.0", "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "requestContext": context, "requestPayload": {"store": "s3://results/control", **asked},
    }  # fmt: skip
    if condition == "RetriesExhausted":
        executed = {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"}
        record |= {"responseContext": executed, "responsePayload": said if payload is None else payload}
    return json.dumps(record)

"""The door to SQS: what lies in a queue, ten messages at a time and without waiting for more. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsUnavailable, translated
from portal.aws.session import ONCE, place_client
from portal.core.aws_place import AwsPlace

BATCH = 10
"""The most that SQS gives, and takes back, in a call."""


@dataclass(frozen=True, slots=True)
class Message:
    body: str
    handle: str
    """By which this delivery is deleted."""
    deliveries: int
    """How often it was given to somebody, this time included."""


class QueueDoor:
    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    @classmethod
    def of(cls, place: AwsPlace) -> QueueDoor:
        """Nothing is sent again by itself: who reads a queue comes back anyway."""
        return cls(place_client(place, "sqs", attempts=ONCE))

    def receive(self, url: str, *, hidden_seconds: int) -> tuple[Message, ...]:
        """None of them is given to anybody else for so long; those that are not deleted by then are given again."""
        with translated("sqs:ReceiveMessage"):
            answer = self._sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=0, VisibilityTimeout=hidden_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )  # fmt: skip
        return tuple(
            Message(one["Body"], one["ReceiptHandle"], int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1)))
            for one in answer.get("Messages", ())
        )

    def delete(self, url: str, messages: Sequence[Message]) -> None:
        """Of one `receive`. Raises AwsUnavailable where some are left: they will be given again."""
        entries = [{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(messages)]
        with translated("sqs:DeleteMessage"):
            answer = self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        if failed := answer.get("Failed"):
            reason = str(failed[0].get("Code", "Unknown"))
            raise AwsUnavailable(f"sqs:DeleteMessage: {len(failed)} of {len(messages)} messages were left ({reason}).",
                                 operation="sqs:DeleteMessage", reason=reason)  # fmt: skip

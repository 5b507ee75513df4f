"""The door to SNS: one message to a topic. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

MOST_SUBJECT, MOST_BYTES = 99, 250_000


class TopicDoor:
    def __init__(self, sns: Any) -> None:
        self._sns = sns

    @classmethod
    def of(cls, place: AwsPlace) -> TopicDoor:
        return cls(place_client(place, "sns"))

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> str:
        """The message's id. The subject is cut and made plain: SNS takes up to 99 characters of ASCII without line ends."""
        plain = " ".join(subject.encode("ascii", "replace").decode().split())[:MOST_SUBJECT]
        said = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
        with translated("sns:Publish"):
            answer = self._sns.publish(TopicArn=topic, Subject=plain or "Knopfdruck", Message=message, MessageAttributes=said)
        return str(answer["MessageId"])

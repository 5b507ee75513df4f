"""The port `Announcer`: messages to a place's SNS topic, numbers to CloudWatch. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Mapping

from portal.aws.cloudwatch import Measure, MetricDoor
from portal.aws.sns import TopicDoor
from portal.core.aws_place import AwsPlace


class SnsAndCloudWatch:
    """A place without a topic hears nothing; one without a namespace counts nothing."""

    def __init__(self, place: AwsPlace, topic: TopicDoor, metrics: MetricDoor) -> None:
        self._place, self._topic, self._metrics = place, topic, metrics

    @classmethod
    def of(cls, place: AwsPlace) -> SnsAndCloudWatch:
        return cls(place, TopicDoor.of(place), MetricDoor.of(place))

    def say(self, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        if self._place.topic:
            self._topic.publish(self._place.topic, subject, message, attributes)

    def measure(self, values: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str]) -> None:
        if self._place.namespace:
            measures = [Measure(name, value, unit, dimensions) for name, (value, unit) in values.items()]
            self._metrics.put(self._place.namespace, measures)

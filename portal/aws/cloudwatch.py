"""The door to CloudWatch: a few numbers by name and dimension. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Measure:
    """`unit` as CloudWatch names it: Count, Milliseconds, Percent."""

    name: str
    value: float
    unit: str = "Count"
    dimensions: Mapping[str, str] = field(default_factory=dict)


class MetricDoor:
    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    @classmethod
    def of(cls, place: AwsPlace) -> MetricDoor:
        return cls(place_client(place, "cloudwatch"))

    def put(self, namespace: str, measures: Sequence[Measure]) -> None:
        for start in range(0, len(measures), MOST_AT_ONCE):
            data = [
                {"MetricName": one.name, "Value": one.value, "Unit": one.unit,
                 "Dimensions": [{"Name": name, "Value": value} for name, value in one.dimensions.items()]}
                for one in measures[start : start + MOST_AT_ONCE]
            ]  # fmt: skip
            with translated("cloudwatch:PutMetricData"):
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

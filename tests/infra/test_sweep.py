"""The sweeper: what it ends, what it leaves, and that it only counts when told to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra_gen.functions import sweep
from infra_gen.sweeper import CODE

NOW = datetime.now(UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Missing(Exception):
    def __init__(self) -> None:
        self.response = {"ResponseMetadata": {"HTTPStatusCode": 404}}


class Cloud:
    """One object that stands for the four services it asks."""

    class exceptions:  # noqa: N801  (boto3 calls it so)
        ClientError = Missing

    def __init__(self) -> None:
        self.written: dict[str, datetime] = {}
        self.running: dict[str, tuple[str, datetime]] = {}
        self.machines: dict[str, datetime] = {}
        self.ended: list[str] = []
        self.metric = -1.0

    def get_paginator(self, name: str) -> Cloud:
        return self

    def paginate(self, cluster: str) -> Iterator[Any]:
        yield {"taskArns": list(self.running)}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Any:
        return {
            "tasks": [{"taskArn": arn, "startedBy": self.running[arn][0], "createdAt": self.running[arn][1]} for arn in tasks]
        }

    def stop_task(self, cluster: str, task: str, reason: str) -> None:
        self.ended.append(task)

    def head_object(self, **asked: str) -> Any:
        if asked["Key"] not in self.written:
            raise Missing
        return {"LastModified": self.written[asked["Key"]]}

    def describe_auto_scaling_groups(self, **asked: Any) -> Any:
        return {"AutoScalingGroups": [{"Instances": [{"InstanceId": each} for each in self.machines]}]}

    def describe_instances(self, **asked: list[str]) -> Any:
        return {
            "Reservations": [
                {"Instances": [{"InstanceId": each, "LaunchTime": self.machines[each]} for each in asked["InstanceIds"]]}
            ]
        }

    def terminate_instance_in_auto_scaling_group(self, **asked: Any) -> None:
        assert asked["ShouldDecrementDesiredCapacity"]
        self.ended.append(asked["InstanceId"])

    def put_metric_data(self, **asked: Any) -> None:
        self.metric = asked["MetricData"][0]["Value"]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    found = Cloud()
    monkeypatch.setattr(sweep, "client", lambda service: found)
    settings = {"MOST_HOURS": "80", "ACTS": "true", "ENVIRONMENT": "dev", "NAMESPACE": "Knopfdruck", "BUCKET": "b",
                "PREFIX": "control", "CLUSTER": "c", "GROUP": "g", "POOL": "ec2"}  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return found


def test_tasks_of_runs_that_are_over_are_ended(cloud: Cloud) -> None:
    cloud.running = {"over": ("run1", NOW - HOUR), "stopped": ("run2", NOW - HOUR), "works": ("run3", NOW - HOUR)}
    cloud.written = {"control/runs/run1/summary.json": NOW - 20 * MINUTE, "control/runs/run2/stop.json": NOW - 20 * MINUTE}
    assert sweep.handle({}, None) == 2
    assert cloud.ended == ["over", "stopped"]
    assert cloud.metric == 2


def test_the_portal_has_time_to_end_them_itself(cloud: Cloud) -> None:
    cloud.running = {"just over": ("run1", NOW - HOUR)}
    cloud.written = {"control/runs/run1/summary.json": NOW - 5 * MINUTE}
    assert sweep.handle({}, None) == 0
    assert cloud.metric == 0


def test_the_pools_tasks_are_left_to_their_service(cloud: Cloud) -> None:
    cloud.running = {"pool": ("ecs-svc/123", NOW - 100 * HOUR)}
    assert sweep.handle({}, None) == 0


def test_nothing_grows_older_than_any_run_may(cloud: Cloud) -> None:
    cloud.running = {"old": ("run1", NOW - 81 * HOUR)}
    cloud.machines = {"i-old": NOW - 81 * HOUR}
    cloud.written = {"control/pool/ec2/workers/i-old.json": NOW}
    assert sweep.handle({}, None) == 2
    assert cloud.ended == ["old", "i-old"]


def test_instances_that_nobody_hears_are_ended(cloud: Cloud) -> None:
    cloud.machines = {"i-silent": NOW - HOUR, "i-never": NOW - HOUR, "i-boots": NOW - 5 * MINUTE, "i-works": NOW - HOUR}
    cloud.written = {
        "control/pool/ec2/workers/i-silent.json": NOW - 30 * MINUTE, "control/pool/ec2/workers/i-works.json": NOW - MINUTE,
    }  # fmt: skip
    sweep.handle({}, None)
    assert cloud.ended == ["i-silent", "i-never"]


def test_it_may_be_told_to_count_only(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ACTS", "false")
    cloud.machines = {"i-silent": NOW - HOUR}
    assert sweep.handle({}, None) == 1
    assert cloud.ended == []
    assert "orphan: i-silent" in capsys.readouterr().out


def test_parts_that_are_not_deployed_are_not_asked(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "")
    monkeypatch.setenv("GROUP", "")
    cloud.running, cloud.machines = {"old": ("run1", NOW - 81 * HOUR)}, {"i-old": NOW - 81 * HOUR}
    assert sweep.handle({}, None) == 0


def test_the_template_carries_it_whole() -> None:
    assert len(CODE.read_text()) <= 4096

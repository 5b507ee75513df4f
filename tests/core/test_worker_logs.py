"""Where a worker's log is: group, stream and the console's page, per backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from portal.core.aws_place import AwsPlace
from portal.core.worker_logs import POOL, TASK, LogPlace, is_said_by, log_place

PLACE = AwsPlace("eu-central-1", "results", log_prefix="/knopfdruck/dev")
TASK_ARN = "arn:aws:ecs:eu-central-1:123456789012:task/load/0123456789abcdef"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "templates" / "dev" / "fargate.json"


def found(backend: str, place: AwsPlace = PLACE, *, reference: str = "", machine: str = "", told: str = "") -> LogPlace:
    at = log_place(place, backend, reference=reference, machine=machine, told=told)
    assert at is not None
    return at


@pytest.mark.parametrize(
    ("backend", "said", "group", "stream"),
    [
        ("lambda", {"told": "2026/11/29/[3]0a1b"}, "/knopfdruck/dev/lambda", "2026/11/29/[3]0a1b"),
        ("lambda", {"reference": "r-1"}, "/knopfdruck/dev/lambda", ""),
        ("fargate", {"reference": TASK_ARN}, "/knopfdruck/dev/fargate", "task/agent/0123456789abcdef"),
        ("fargate", {"reference": "call:run1", "machine": "fedcba in eu-central-1b"}, "/knopfdruck/dev/fargate",
         "pool/agent/fedcba"),
        ("fargate", {"reference": "call:run1"}, "/knopfdruck/dev/fargate", ""),
        ("ec2", {"reference": "call:run1", "machine": "i-0abc in eu-central-1a"}, "/knopfdruck/dev/ec2", "i-0abc"),
        ("ec2", {"reference": "call:run1"}, "/knopfdruck/dev/ec2", ""),
    ],
)  # fmt: skip
def test_each_backend_has_its_group_and_names_its_streams(backend: str, said: dict[str, str], group: str, stream: str) -> None:
    at = found(backend, PLACE, **said)
    assert (at.group, at.stream) == (group, stream)


def test_the_console_shows_the_stream_or_its_group_where_it_is_not_known() -> None:
    page = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/"
    known = found("lambda", told="2026/11/29/[$LATEST]0a1b")
    assert known.url == page + "$252Fknopfdruck$252Fdev$252Flambda/log-events/2026$252F11$252F29$252F$255B$2524LATEST$255D0a1b"
    assert found("lambda").url == page + "$252Fknopfdruck$252Fdev$252Flambda"


def test_other_partitions_have_consoles_of_their_own_and_an_emulator_has_none() -> None:
    china, government = (replace(PLACE, region=region) for region in ("cn-north-1", "us-gov-west-1"))
    assert found("ec2", china).url.startswith("https://cn-north-1.console.amazonaws.cn/")
    assert found("ec2", government).url.startswith("https://us-gov-west-1.console.amazonaws-us-gov.com/")
    assert found("ec2", replace(PLACE, endpoint_url="http://127.0.0.1:4566")).url == ""


def test_a_place_without_log_groups_has_no_logs() -> None:
    assert log_place(replace(PLACE, log_prefix=""), "lambda", reference="", machine="", told="x") is None


def test_the_prefixes_are_those_of_the_generated_task_definitions() -> None:
    resources = json.loads(GOLDEN.read_text())["Resources"]
    tasks = {name: one["Properties"]["ContainerDefinitions"][0] for name, one in resources.items()
             if one["Type"] == "AWS::ECS::TaskDefinition"}  # fmt: skip
    prefixes = {name: task["LogConfiguration"]["Options"]["awslogs-stream-prefix"] for name, task in tasks.items()}
    assert prefixes == {"Artillery": TASK, "PoolTask": POOL}
    assert {task["Name"] for task in tasks.values()} == {PLACE.container}


@pytest.mark.parametrize(
    ("line", "is_so"),
    [
        ({"event": "worker_begins", "run": "r-1", "slot": 3, "epoch": 2}, True), ({"run": "r-1", "slot": "3"}, True),
        ({"Run": "r-1", "Slot": 3, "Epoch": 2, "Requests": 9}, True), ({"run": "r-1", "slot": 3, "epoch": 1}, False),
        ({"run": "r-1", "slot": 30}, False), ({"run": "r-2", "slot": 3}, False), ({"Run": "r-2", "Slot": 3}, False),
        ({"run": "r-1"}, None), ({"run": None, "slot": None, "event": "draining"}, None),
    ],
)  # fmt: skip
def test_a_line_says_whose_it_is(line: dict[str, object], is_so: bool | None) -> None:
    assert is_said_by(json.dumps(line), "r-1", 3, 2) is is_so


@pytest.mark.parametrize("text", ["START RequestId: r-1", "", "3", "[]", '"r-1"'])
def test_what_is_no_line_of_ours_names_nobody(text: str) -> None:
    assert is_said_by(text, "r-1", 3, 2) is None

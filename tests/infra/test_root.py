"""What the root refuses, and what it says to the portal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra_gen.main import compose
from infra_gen.parameters import PRESETS

ROOT: Any = json.loads(compose(PRESETS["dev"])[-1].body)
PROMISED = {
    "Region", "ResultsBucket", "RunnerFunctionName", "RunnerFunctionArn", "ClusterName", "ArtilleryTaskDefinitionArn",
    "PoolServiceName", "RunnerSubnetIds", "RunnerSecurityGroupIds", "AssignPublicIp", "WorkerGroupName", "CompletionTopicArn",
    "EventsQueueUrl", "FileSystemId", "ScriptsAccessPointId", "ResultsAccessPointId", "ApiUrl", "ApiId", "ApiStage", "ApiKeyId",
    "PortalUrl", "LogGroupPrefix", "MetricsNamespace",
}  # fmt: skip


def evaluate(value: Any, given: dict[str, str]) -> bool:
    """The few functions that rules are made of."""
    ((name, inside),) = value.items()
    if name == "Fn::Equals":
        first, second = (given[each["Ref"]] if isinstance(each, dict) else each for each in inside)
        return bool(first == second)
    results = [evaluate(each, given) for each in inside]
    return {"Fn::Not": lambda: not results[0], "Fn::And": lambda: all(results), "Fn::Or": lambda: any(results)}[name]()


def refusals(**changes: str) -> list[str]:
    defaults = {name: str(each.get("Default", "")) for name, each in ROOT["Parameters"].items()}
    given = defaults | {"RunnerZipKey": "r.zip", "K6LayerKey": "k.zip"} | changes
    return [
        rule["Assertions"][0]["AssertDescription"] for rule in ROOT["Rules"].values()
        if evaluate(rule["RuleCondition"], given) and not evaluate(rule["Assertions"][0]["Assert"], given)
    ]  # fmt: skip


def test_the_outputs_are_those_the_portal_reads() -> None:
    assert set(ROOT["Outputs"]) >= PROMISED


def test_outputs_of_a_part_are_there_with_the_part_only() -> None:
    conditions = {name: output.get("Condition") for name, output in ROOT["Outputs"].items()}
    assert conditions["RunnerFunctionArn"] == "DeployLambda"
    assert conditions["ClusterName"] == "DeployFargate"
    assert conditions["WorkerGroupName"] == "DeployEc2"
    assert conditions["ApiUrl"] == "DeployApi"
    assert conditions["PortalUrl"] == "DeployPortal"
    assert conditions["ResultsBucket"] is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"DeployPortal": "true"}, "PortalImage"),
        ({"DeployApi": "true"}, "DatabaseUrl"),
        ({"LambdaInVpc": "true"}, "RunnerSubnets=private"),
        ({"K6LayerKey": "none"}, "K6LayerKey"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(changes: dict[str, str], word: str) -> None:
    (text,) = refusals(**changes)
    assert word in text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"DeployPortal": "true", "PortalImage": "x", "DeployApi": "true"},
        {"DeployApi": "true", "DatabaseUrl": "postgres://elsewhere"},
        {"DeployLambda": "false", "RunnerZipKey": "none", "K6LayerKey": "none"},
        {"LambdaInVpc": "true", "RunnerSubnets": "private"},
    ],
)
def test_what_works_is_not_refused(changes: dict[str, str]) -> None:
    assert refusals(**changes) == []

"""Each rule of the checker: the trees we generate pass it, and a tree that was broken on purpose does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra_gen.checker import Tree, check
from infra_gen.main import compose
from infra_gen.parameters import PRESETS

DEV, PROD = (Tree.of(compose(PRESETS[name]), PRESETS[name]) for name in ("dev", "prod"))
Break = Callable[[Any, Any], object]
"""Changes the root and the children."""


@pytest.mark.parametrize("preset", PRESETS)
def test_what_we_generate_is_right(preset: str) -> None:
    assert [str(finding) for finding in check(Tree.of(compose(PRESETS[preset]), PRESETS[preset]))] == []


def nested(root: Any, name: str) -> Any:
    return root["Resources"][name]["Properties"]["Parameters"]


def properties(children: Any, stack: str, name: str) -> Any:
    return children[stack]["Resources"][name]["Properties"]


def statement(children: Any, stack: str, name: str, sid: str) -> Any:
    policies = properties(children, stack, name)["Policies"]
    return next(each for policy in policies for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == sid)


def _wait_for_each_other(root: Any, children: Any) -> None:
    children["Messaging"]["Parameters"]["Late"] = {"Type": "String", "Description": "Of a later stack."}
    nested(root, "Messaging")["Late"] = {"Fn::GetAtt": ["Iam", "Outputs.TaskRoleArn"]}


def _ask_the_absent(root: Any, children: Any) -> None:
    nested(root, "Access")["RunnerFunctionArn"] = {"Fn::GetAtt": ["LambdaRunner", "Outputs.RunnerFunctionArn"]}


def _many(count: int) -> dict[str, Any]:
    return {f"Topic{number}": {"Type": "AWS::SNS::Topic", "Properties": {}} for number in range(count)}


def _set(found: Any, key: str, value: object) -> None:
    found[key] = value


BREAKS: dict[str, tuple[Break, str]] = {
    "a parameter is not given": (lambda r, c: nested(r, "Iam").pop("ResultsBucket"), "does not give ResultsBucket"),
    "an unknown one is given": (lambda r, c: _set(nested(r, "Iam"), "Colour", "blue"), "gives Colour"),
    "a child is lost": (lambda r, c: c.pop("Walls"), "nested stack without a template"),
    "an output is lost": (lambda r, c: c["Storage"]["Outputs"].pop("FileSystemArn"), "Storage.FileSystemArn, which there is not"),
    "an output in a text is lost": (
        lambda r, c: _set(nested(r, "Iam"), "ResultsBucket", {"Fn::Sub": "${Storage.Outputs.Bucket}"}), "Storage.Bucket, which",
    ),
    "stacks wait for each other": (_wait_for_each_other, "wait for each other"),
    "an absent stack is asked": (_ask_the_absent, "also where DeployLambda does not hold"),
    "a type is none": (lambda r, c: _set(c["Ec2"]["Parameters"]["IdleMinutes"], "Type", "Integer"), "'Integer', which is none"),
    "no description": (lambda r, c: c["Ec2"]["Parameters"]["IdleMinutes"].pop("Description"), "has no description"),
    "nobody uses it": (
        lambda r, c: _set(c["Ec2"]["Parameters"], "Spare", {"Type": "String", "Description": "For later."}), "is never used",
    ),
    "an output says nothing": (lambda r, c: c["Ec2"]["Outputs"]["WorkerGroupName"].pop("Description"), "without a description"),
    "an export": (lambda r, c: _set(c["Ec2"]["Outputs"]["WorkerGroupName"], "Export", {"Name": "x"}), "is exported"),
    "an account": (lambda r, c: _set(properties(c, "Ec2", "Workers"), "Context", "123456789012"), "names an account"),
    "a region": (lambda r, c: _set(properties(c, "Ec2", "Workers"), "Context", "eu-central-1"), "names a region"),
    "a partition": (lambda r, c: _set(properties(c, "Ec2", "Workers"), "Context", "arn:aws:iam"), "names a partition"),
    "a domain": (lambda r, c: _set(properties(c, "Ec2", "Workers"), "Context", "https://s3.amazonaws.com/x"), "names a domain"),
    "too many resources": (lambda r, c: c["Walls"]["Resources"].update(_many(500)), "CloudFormation takes 500"),
    "nothing in it": (lambda r, c: c["Walls"]["Resources"].clear(), "makes no stack of nothing"),
    "too large": (lambda r, c: _set(c["Walls"], "Description", "x" * 1_000_000), "CloudFormation reads 1,000,000"),
    "too much code": (
        lambda r, c: _set(properties(c, "Monitoring", "Sweeper")["Code"], "ZipFile", "x" * 5000), "5,000 characters of code",
    ),
    "too much user data": (
        lambda r, c: _set(properties(c, "Ec2", "Worker")["LaunchTemplateData"], "UserData", {"Fn::Base64": "x" * 17_000}),
        "EC2 takes 16,384",
    ),
    "too much policy": (
        lambda r, c: _set(properties(c, "Access", "LauncherPolicy"), "PolicyDocument", {"Statement": ["x" * 6200]}),
        "IAM takes 6,144",
    ),
    "a star without a reason": (
        lambda r, c: c["Iam"]["Resources"]["TaskRole"]["Metadata"]["Reasons"].pop("Metrics"), "(Metrics): has *",
    ),
    "a star in an action": (
        lambda r, c: _set(statement(c, "Iam", "TaskRole", "TellEnd"), "Action", ["sns:*"]), "(TellEnd): has sns:*",
    ),
    "a skip without a reason": (
        lambda r, c: _set(c["LambdaRunner"]["Resources"]["Runner"]["Metadata"]["checkov"]["skip"][0], "comment", ""),
        "says no reason for it",
    ),
    "an ignore without a reason": (
        lambda r, c: c["Database"]["Resources"]["Database"]["Metadata"]["Reasons"].clear(), "leaves out W3691",
    ),
    "no tags": (lambda r, c: properties(c, "Messaging", "Events").pop("Tags"), "Events: is not tagged"),
    "half the tags": (lambda r, c: properties(c, "Storage", "Files")["FileSystemTags"].pop(), "Files: is not tagged"),
    "instances without tags": (
        lambda r, c: properties(c, "Ec2", "Worker")["LaunchTemplateData"].pop("TagSpecifications"), "Worker: is not tagged",
    ),
    "logs for ever": (lambda r, c: properties(c, "Fargate", "Logs").pop("RetentionInDays"), "keeps its logs for ever"),
    "logs elsewhere": (lambda r, c: properties(c, "LambdaRunner", "Runner").pop("LoggingConfig"), "its stack does not have"),
    "data that stays": (
        lambda r, c: _set(c["Storage"]["Resources"]["Results"], "DeletionPolicy", "Retain"),
        "Results: has the DeletionPolicy Retain",
    ),
    "images that stay": (
        lambda r, c: _set(properties(c, "Storage", "RunnerRepository"), "EmptyOnDelete", False), "cannot be deleted while",
    ),
    "a named role": (lambda r, c: _set(properties(c, "Iam", "TaskRole"), "RoleName", "task"), "has a name"),
    "a role elsewhere": (lambda r, c: properties(c, "Iam", "TaskRole").pop("Path"), "not under our path"),
    "a role without a boundary": (lambda r, c: properties(c, "Iam", "TaskRole").pop("PermissionsBoundary"), "has no boundary"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_found(name: str) -> None:
    act, expected = BREAKS[name]
    root, children = copy.deepcopy(DEV.root), copy.deepcopy(dict(DEV.children))
    act(root, children)
    assert expected in "\n".join(map(str, check(Tree(root, children))))


def test_prod_must_not_lose_its_data() -> None:
    children = copy.deepcopy(dict(PROD.children))
    for name in ("Results", "Files", "RunnerRepository"):
        children["Storage"]["Resources"][name]["DeletionPolicy"] = "Delete"
    children["Storage"]["Resources"]["PortalRepository"]["Properties"]["EmptyOnDelete"] = True
    found = "\n".join(map(str, check(Tree(PROD.root, children, retain=True))))
    assert found.count("needs Retain or") == 3
    assert "PortalRepository: loses its images" in found

"""What a deployer, a launcher and a worker may do, read from the templates; and what none of them may."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest

from infra_gen.main import compose
from infra_gen.parameters import PRESETS
from infra_gen.permissions import SERVICES, deploy_policy

TREE = {stack.name: json.loads(stack.body)["Resources"] for stack in compose(PRESETS["prod"])}


def actions(stack: str, name: str) -> list[str]:
    """All that the role or policy allows by itself."""
    properties = TREE[stack][name]["Properties"]
    documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else [
        each["PolicyDocument"] for each in properties["Policies"]
    ]  # fmt: skip
    statements = [each.get("Fn::If", [None, each])[1] for document in documents for each in document["Statement"]]
    return [action for each in statements if each["Effect"] == "Allow" for action in each["Action"]]


WORKERS = (("iam", "LambdaRole"), ("iam", "TaskRole"), ("iam", "InstanceRole"))
LAUNCHER = ("access", "LauncherPolicy")


@pytest.mark.parametrize("who", [*WORKERS, LAUNCHER, ("access", "StorePolicy"), ("api", "FunctionRole")])
@pytest.mark.parametrize(
    "action",
    [
        "ecs:RegisterTaskDefinition", "ec2:RunInstances", "iam:CreateRole", "iam:PutRolePolicy", "lambda:UpdateFunctionCode",
        "s3:DeleteBucket", "s3:PutBucketPolicy", "kms:Decrypt", "elasticfilesystem:ClientRootAccess", "sts:AssumeRole",
        "cloudformation:CreateStack", "logs:DeleteLogGroup",
    ],
)  # fmt: skip
def test_nobody_who_makes_load_may(who: tuple[str, str], action: str) -> None:
    assert not [each for each in actions(*who) if fnmatch.fnmatchcase(action.lower(), each.lower())]


@pytest.mark.parametrize("who", WORKERS)
def test_a_worker_starts_nothing_and_deletes_nothing(who: tuple[str, str]) -> None:
    allowed = actions(*who)
    assert not [each for each in allowed if ":Delete" in each or each.startswith(("ecs:Run", "lambda:"))]
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= set(allowed)


def test_only_roles_of_workers_are_handed_over() -> None:
    statements = TREE["access"]["LauncherPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (passing,) = (each["Fn::If"][1] for each in statements if "iam:PassRole" in str(each))
    assert passing["Resource"] == [{"Ref": "TaskRoleArn"}, {"Ref": "ExecutionRoleArn"}]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_every_service_the_templates_use_may_be_deployed() -> None:
    used = {each["Type"].rpartition("::")[0] for resources in TREE.values() for each in resources.values()}
    assert used - {"AWS::IAM"} <= set(SERVICES)


def test_whoever_deploys_makes_roles_only_under_our_path_and_boundary() -> None:
    statements: Any = deploy_policy("111122223333")["Statement"]
    making = [each for each in statements if any(action in ("iam:CreateRole", "iam:PutRolePolicy") for action in each["Action"])]
    assert [each["Resource"] for each in making] == [["arn:aws:iam::111122223333:role/knopfdruck/*"]]
    assert all("iam:PermissionsBoundary" in str(each["Condition"]) for each in making)
    assert not [each for each in statements if "iam:*" in each["Action"] or "*" in each["Action"]]

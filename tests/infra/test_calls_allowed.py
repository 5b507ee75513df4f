"""Every call that `portal.aws` makes is allowed by the policy of whoever makes it, and by the boundary of its role."""

from __future__ import annotations

import ast
import fnmatch
import re
from pathlib import Path

import pytest

from infra_gen.permissions import deploy_policy
from tests.infra.test_permissions import actions

DOORS = {path.stem: ast.parse(path.read_text()) for path in (Path(__file__).resolve().parents[2] / "portal" / "aws").glob("*.py")}
PORTAL = (
    "autoscaling", "awslambda", "cloudwatch", "discovery", "ecs", "logs", "pool_service", "quotas", "s3", "session",
    "sns", "sqs", "sts",
)  # fmt: skip
WORKER, INSTANCE = ("s3", "secrets", "sns"), ("scaling_group",)
DEPLOYER = ("account", "apigateway", "buckets", "cloudformation", "draining")
CALLS_NOTHING = ("__init__", "announcer", "errors", "failed_calls", "inspection", "remembered", "rounds")
"""They use other doors, or none."""
NOT_AWS = {"add_auth", "get_credentials", "get_paginator", "has_cluster", "put_new", "token_hex"}
ONE_WORD = {"invoke", "publish", "AssumeRoleCredentialFetcher"}
SERVICES = {
    "application-autoscaling": ("describe_scalable_targets",),
    "autoscaling": ("complete_lifecycle_action", "describe_auto_scaling_groups", "describe_auto_scaling_instances",
                    "set_desired_capacity", "set_instance_protection", "terminate_instance_in_auto_scaling_group",
                    "update_auto_scaling_group"),
    "cloudformation": ("continue_update_rollback", "create_change_set", "delete_change_set", "delete_stack",
                       "describe_change_set", "describe_stack_events", "describe_stacks", "execute_change_set", "get_template",
                       "list_stack_resources", "update_termination_protection"),
    "cloudwatch": ("put_metric_data",),
    "ec2": ("describe_subnets",),
    "ecs": ("describe_clusters", "describe_services", "describe_task_definition", "describe_tasks", "list_tasks", "run_task",
            "stop_task", "update_service"),
    "elasticloadbalancing": ("describe_listeners", "describe_load_balancers", "describe_tags"),
    "lambda": ("get_function_configuration",),
    "logs": ("filter_log_events", "get_log_events"),
    "s3": ("abort_multipart_upload", "create_bucket", "delete_bucket", "get_object", "put_bucket_tagging", "put_object"),
    "secretsmanager": ("get_secret_value",),
    "servicediscovery": ("discover_instances",),
    "servicequotas": ("get_service_quota",),
    "sns": ("publish",),
    "sqs": ("receive_message",),
    "ssm": ("get_parameter",),
    "sts": ("get_caller_identity",),
}  # fmt: skip
"""boto3's methods by the service whose action is called as they are."""
OTHERWISE = {
    "get_api_key": "apigateway:GET", "head_bucket": "s3:ListBucket", "head_object": "s3:GetObject", "upload_file": "s3:PutObject",
    "list_objects_v2": "s3:ListBucket", "delete_objects": "s3:DeleteObject", "list_object_versions": "s3:ListBucketVersions",
    "delete_message_batch": "sqs:DeleteMessage",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads", "put_public_access_block": "s3:PutBucketPublicAccessBlock",
    "invoke": "lambda:InvokeFunction", "AssumeRoleCredentialFetcher": "sts:AssumeRole",
}  # fmt: skip
ACTIONS = OTHERWISE | {
    method: f"{service}:{''.join(word.capitalize() for word in method.split('_'))}"
    for service, methods in SERVICES.items() for method in methods
}  # fmt: skip


def calls(door: str) -> set[str]:
    """boto3's methods in a module, also those that only a paginator gets by name. A new one is in no table, and fails."""
    found = set()
    for node in ast.walk(DOORS[door]):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "get_paginator" and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
            elif name in ONE_WORD or (isinstance(node.func, ast.Attribute) and re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name)):
                found.add(name)
    return found - NOT_AWS


def wanted(*doors: str) -> set[str]:
    return {ACTIONS[method] for door in doors for method in calls(door)}


def is_in(action: str, allowed: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), each.lower()) for each in allowed)


def test_every_door_is_somebodys_and_every_call_is_known() -> None:
    assert {*PORTAL, *WORKER, *INSTANCE, *DEPLOYER, *CALLS_NOTHING} == set(DOORS)
    assert {method for door in DOORS if door not in CALLS_NOTHING for method in calls(door)} == set(ACTIONS)


def test_an_error_names_the_action_that_has_to_be_allowed() -> None:
    said = {
        node.args[0].value for tree in DOORS.values() for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "translated" and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert said - set(ACTIONS.values()) == {"s3:DeleteObjectVersion"}, "of DeleteObjects, where versions are named"


@pytest.mark.parametrize("action", sorted(wanted(*PORTAL)))
def test_a_portal_may(action: str) -> None:
    own = [*actions("access", "LauncherPolicy"), *actions("access", "StorePolicy"), *actions("portal", "PortalRole")]
    assert is_in(action, own)
    assert is_in(action, actions("iam", "Boundary")), "the boundary of the portal's role takes it away"


@pytest.mark.parametrize(("role", "doors"), [("LambdaRole", WORKER), ("TaskRole", WORKER), ("InstanceRole", WORKER + INSTANCE)])
def test_a_worker_may(role: str, doors: tuple[str, ...]) -> None:
    """But for deleting from the store, which is the portal's."""
    missing = [action for action in wanted(*doors) if not is_in(action, actions("iam", role))]
    assert missing == ["s3:DeleteObject"]
    assert all(is_in(action, actions("iam", "Boundary")) for action in wanted(*doors))


def test_whoever_deploys_may() -> None:
    statements = deploy_policy()["Statement"]
    assert isinstance(statements, list)
    allowed = [action for statement in statements for action in statement["Action"]]
    assert [action for action in wanted(*DEPLOYER) if not is_in(action, allowed)] == []

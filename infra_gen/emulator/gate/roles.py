"""iam:PassRole, which the emulator never asks for: checked where IAM is on, when a role is given to a task or a function."""

from __future__ import annotations

import re

from ministack.core import iam_evaluator
from ministack.services import ecs

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.strict.request import Refusal, Request

TASKS, FUNCTIONS = "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"


def passed_to_task(request: Request) -> None:
    """Of the task definition, and of the overrides [D: the ECS actions' dependent permissions]."""
    definition = ecs._task_defs.get(ecs._resolve_td_key(str(request.get("taskDefinition", "")))) or {}
    overrides = request.get("overrides") or {}
    for name in ("taskRoleArn", "executionRoleArn"):
        may_pass(request, overrides.get(name) or definition.get(name), TASKS)


def passed_to_definition(request: Request) -> None:
    for name in ("taskRoleArn", "executionRoleArn"):
        may_pass(request, request.get(name), TASKS)


def passed_to_function(request: Request) -> None:
    may_pass(request, request.get("Role"), FUNCTIONS)


def may_pass(request: Request, role_arn: str | None, service: str) -> None:
    """As for every action: the caller's policies decide, with `iam:PassedToService` as a condition they may use."""
    if not PLACE.auth or not role_arn:
        return
    found = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
    denied = iam_evaluator.enforce(
        found.group(1) if found else "",
        "iam:PassRole",
        "iam",
        request.scope[1],
        resource_arn=role_arn,
        service_context={"iam:passedtoservice": service},
    )
    if denied is not None:
        who = getattr(denied, "principal_arn", "the caller")
        message = f"User: {who} is not authorized to perform: iam:PassRole on resource: {role_arn}"
        raise Refusal("AccessDeniedException", message, 403 if request.service == "lambda" else 400)

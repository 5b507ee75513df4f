"""The rules in front of ECS, Lambda, CloudWatch, Logs and SNS."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, ecs

from infra_gen.emulator.gate import functions, roles, wire
from infra_gen.emulator.plug import plug
from infra_gen.emulator.strict import data_rules, function_rules, quota_rules, task_rules
from infra_gen.emulator.strict.request import Refusal, Request

RULES: dict[str, dict[str, tuple[Callable[[Request], None], ...]]] = {
    "ecs": dict(task_rules.RULES),
    "lambda": dict(function_rules.RULES),
    **data_rules.RULES,
}
TOKENS = task_rules.Tokens()
ONE_AT_A_TIME = asyncio.Lock()


def install() -> None:
    RULES["ecs"]["RunTask"] += (_within_the_quota, roles.passed_to_task)
    RULES["ecs"]["CreateService"] += (roles.passed_to_task,)
    RULES["ecs"]["RegisterTaskDefinition"] += (roles.passed_to_definition,)
    RULES["lambda"]["CreateFunction"] += (roles.passed_to_function, functions.code_is_there)
    RULES["lambda"]["UpdateFunctionCode"] += (functions.code_is_there,)
    RULES["lambda"]["PublishLayerVersion"] = (functions.code_is_there,)
    RULES["lambda"]["PutFunctionConcurrency"] = (functions.keep_enough_unreserved,)
    for service, rules in RULES.items():
        app.SERVICE_HANDLERS[service] = _guarded(service, app.SERVICE_HANDLERS[service], rules)
    plug(cloudwatch, "_put_metric_data", _guarded_metrics)
    plug(ecs, "reset", _forgetting_tokens)


def _guarded(service: str, handler: Any, rules: dict[str, tuple[Callable[[Request], None], ...]]) -> Any:
    async def guarded(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        request = wire.read(service, method, path, headers, body, (get_account_id(), get_region()))

        async def handle() -> Any:
            for rule in rules.get(request.action, ()):
                rule(request)
            return await handler(method, path, headers, body, query_params)

        try:
            return await (_once(request, handle) if request.action == "RunTask" else handle())
        except Refusal as refusal:
            return wire.refused(service, refusal)

    return guarded


async def _once(request: Request, handle: Callable[[], Awaitable[Any]]) -> Any:
    """One call at a time, so that the second of two equal ones finds what the first has started."""
    async with ONE_AT_A_TIME:
        earlier = TOKENS.earlier(request)
        if earlier is not None:
            return ecs._finalize_ecs_response(ecs.json_response(_as_started(earlier)))
        answer = await handle()
        if answer[0] < 300:
            TOKENS.remember(request, tuple(task["taskArn"] for task in json.loads(answer[2])["tasks"]))
        return answer


def _as_started(arns: tuple[str, ...]) -> dict[str, Any]:
    return {"tasks": [ecs._sanitize(ecs._tasks[arn]) for arn in arns if arn in ecs._tasks], "failures": []}


def _within_the_quota(request: Request) -> None:
    definition = ecs._task_defs.get(ecs._resolve_td_key(str(request.get("taskDefinition", "")))) or {}
    running = sum(int(task.get("cpu") or 0) for task in ecs._tasks.values() if task["lastStatus"] != "STOPPED")
    wanted = int(request.get("count", 1)) * int(definition.get("cpu") or 0)
    quota_rules.fargate(running, wanted, float(os.environ["KNOPFDRUCK_EMULATOR_FARGATE_VCPUS"]))


def _guarded_metrics(put: Any) -> Any:
    """Called with the decoded call, as CloudWatch's binary protocol leaves nothing to read before that."""

    def guarded(params: Any, document: Any, is_cbor: bool, is_json: bool = False) -> Any:
        try:
            data_rules.metrics((document or {}).get("MetricData", ()))
        except Refusal as refusal:
            return cloudwatch._error(refusal.code, refusal.message, refusal.status, is_json, is_cbor)
        return put(params, document, is_cbor, is_json)

    return guarded


def _forgetting_tokens(reset: Callable[[], None]) -> Callable[[], None]:
    def forgotten() -> None:
        TOKENS.seen.clear()
        reset()

    return forgotten

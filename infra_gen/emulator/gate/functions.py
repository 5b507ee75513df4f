"""The rules in front of Lambda that must look at the rest of the account: is the code there, is enough concurrency left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc, s3

from infra_gen.emulator.plugins.types.registry import Made, Properties, wrap
from infra_gen.emulator.strict import function_rules
from infra_gen.emulator.strict.request import Refusal, Request

FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"


def code_is_there(request: Request) -> None:
    """Of a new function, of new code (which stands at the top), of a layer."""
    _is_there(request.get("Code") or request.get("Content") or request.parameters)


def keep_enough_unreserved(request: Request) -> None:
    unreserved(int(request.get("ReservedConcurrentExecutions", 0)), str(request.get("path")).split("/")[3])


def unreserved(wanted: int, name: str) -> None:
    functions = {each: record.get("concurrency") for each, record in lambda_svc._functions.items()}
    others = {each: int(reserved) for each, reserved in functions.items() if reserved is not None and each != name}
    function_rules.reserved(wanted, others, int(os.environ["LAMBDA_ACCOUNT_CONCURRENCY"]))


def in_templates() -> None:
    """The same for what a template makes; to be called once the properties are known to be right."""
    wrap(FUNCTION, "create", _creating)
    wrap(FUNCTION, "update", _updating)
    wrap(LAYER, "create", _with_content)


def _is_there(code: Mapping[str, Any]) -> None:
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if bucket and key:
        is_bucket = s3._buckets.get(bucket) is not None
        content = lambda_svc._fetch_code_from_s3(bucket, key, version_id=code.get("S3ObjectVersion")) if is_bucket else None
        function_rules.code_found(is_bucket=is_bucket, is_object=content is not None)


def _creating(create: Any) -> Any:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        _check(properties, "")
        made: Made = create(logical_id, properties, stack)
        return made

    return created


def _updating(update: Any) -> Any:
    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Made:
        _check(new, physical_id)
        made: Made = update(physical_id, old, new, *rest, **named)
        return made

    return updated


def _with_content(create: Any) -> Any:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        _as_reason(lambda: _is_there(properties.get("Content") or {}))
        made: Made = create(logical_id, properties, stack)
        return made

    return created


def _check(properties: Properties, name: str) -> None:
    _as_reason(lambda: _is_there(properties.get("Code") or {}))
    if properties.get("ReservedConcurrentExecutions") is not None:
        _as_reason(lambda: unreserved(int(properties["ReservedConcurrentExecutions"]), name))


def _as_reason(rule: Any) -> None:
    """A ValueError is what ministack takes for the reason of a failed resource."""
    try:
        rule()
    except Refusal as refusal:
        raise ValueError(refusal.message) from None

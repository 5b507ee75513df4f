"""The rules in front of CloudFormation: of stacks, change sets, nested stacks and every single resource."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import changesets, engine, handlers, provisioners

from infra_gen.emulator.gate import functions
from infra_gen.emulator.plug import plug
from infra_gen.emulator.strict import function_rules, property_rules, task_rules, template_rules
from infra_gen.emulator.strict.request import Refusal

BUCKET = "AWS::S3::Bucket"
# The stack's own tags are among these already, and ministack adds them without the PropagateAtLaunch that a template has to give.
TAGGED_BY_THE_STACK = ("AWS::AutoScaling::AutoScalingGroup", "Tags")
OF_TEMPLATES: dict[str, Callable[[dict[str, Any]], None]] = {
    "AWS::Lambda::Function": function_rules.of_template,
    "AWS::ECS::TaskDefinition": task_rules.of_template,
}
LOG = logging.getLogger("knopfdruck.strict")
Check = Callable[[str, dict[str, Any]], None]


def install() -> None:
    plug(handlers, "_capabilities_enforced", lambda _: lambda: True)
    plug(engine, "_parse_template", _resolving)
    plug(handlers, "_parse_template", _resolving)
    plug(changesets, "_parse_template", _resolving)
    plug(engine, "_resolve_parameters", _knowing)
    plug(handlers, "_resolve_parameters", _knowing)
    plug(changesets, "_resolve_parameters", _knowing)
    functions.in_templates()
    _check_every_resource()
    _keep_full_buckets()


def _resolving(parse: Any) -> Any:
    def parsed(body: str) -> dict[str, Any]:
        template: dict[str, Any] = parse(body)
        for rule in (template_rules.resolved_references, template_rules.known_conditions):
            _as_value_error(partial(rule, template))
        return template

    return parsed


def _knowing(resolve: Any) -> Any:
    def resolved(template: dict[str, Any], provided: list[dict[str, Any]], *rest: Any, **named: Any) -> Any:
        given = [each.get("Key") or each.get("ParameterKey") or "" for each in provided]
        _as_value_error(partial(template_rules.known_parameters, template, given))
        return resolve(template, provided, *rest, **named)

    return resolved


def _check_every_resource() -> None:
    folder = os.environ.get("KNOPFDRUCK_EMULATOR_SCHEMAS", "")
    schemas = property_rules.Schemas(Path(folder)) if folder else None
    if schemas is None:
        LOG.warning("cfn-lint is not installed beside the emulator: properties of resources are not checked")
    table = provisioners._RESOURCE_HANDLERS
    for kind, handler in list(table.items()):
        table[kind] = {**handler, **_checked(kind, handler, schemas)}


def _checked(kind: str, handler: dict[str, Any], schemas: property_rules.Schemas | None) -> dict[str, Any]:
    """Only where the type has the part: CloudFormation behaves differently without it."""

    def check(logical_id: str, properties: dict[str, Any]) -> None:
        if schemas is not None:
            declared = {name: value for name, value in properties.items() if (kind, name) != TAGGED_BY_THE_STACK}
            property_rules.check(schemas, kind, logical_id, declared)
        if kind in OF_TEMPLATES:
            OF_TEMPLATES[kind](properties)

    found: dict[str, Any] = {}
    if "create" in handler:
        found["create"] = _creating(handler["create"], check)
    if "update" in handler:
        found["update"] = _updating(handler["update"], check)
    return found


def _creating(create: Any, check: Check) -> Any:
    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        _as_value_error(partial(check, logical_id, properties))
        return create(logical_id, properties, stack)

    return created


def _updating(update: Any, check: Check) -> Any:
    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any) -> Any:
        _as_value_error(partial(check, str(named.get("logical_id") or physical_id), new))
        return update(physical_id, old, new, *rest, **named)

    return updated


def _keep_full_buckets() -> None:
    """A bucket that is not empty is not deleted, also not by a stack [K]; versions and delete markers count."""
    handler = provisioners._RESOURCE_HANDLERS[BUCKET]
    remove = handler["delete"]

    def deleted(physical_id: str, properties: dict[str, Any]) -> None:
        bucket = s3._buckets.get(physical_id)
        if bucket is not None and (bucket["objects"] or s3._bucket_has_versions(physical_id)):
            raise ValueError(f"The bucket you tried to delete is not empty. You must delete all versions in it. ({physical_id})")
        remove(physical_id, properties)

    provisioners._RESOURCE_HANDLERS[BUCKET] = {**handler, "delete": deleted}


def _as_value_error(rule: Callable[[], None]) -> None:
    """Which is what ministack takes for the reason of a failed template or resource."""
    try:
        rule()
    except Refusal as refusal:
        raise ValueError(refusal.message) from None

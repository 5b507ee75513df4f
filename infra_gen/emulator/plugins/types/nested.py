"""Nested stacks as AWS has them: a failed child is cleared away, what is retained stays, what cannot go fails the parent."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import _stacks, engine, provisioners, stacks

from infra_gen.emulator.plugins.types.registry import Made, Properties, wrap

KIND = "AWS::CloudFormation::Stack"


def install() -> None:
    wrap(KIND, "create", _clearing_up)
    wrap(KIND, "delete", lambda _: delete)


def _clearing_up(create: Any) -> Any:
    """ministack leaves a failed child with what it had made; the parent's rollback does not know it."""

    def created(logical_id: str, properties: Properties, parent: str) -> Made:
        before = set(_stacks.keys())
        try:
            made: Made = create(logical_id, properties, parent)
        except Exception as failure:
            for name in [name for name in _stacks.keys() if name not in before]:  # noqa: SIM118
                reason = _stacks[name].get("StackStatusReason") or str(failure)
                _empty(name, creating=True)
                _stacks[name].update(StackStatus="DELETE_COMPLETE", StackStatusReason=reason)
            raise
        return made

    return created


def delete(physical_id: str, _: Properties) -> None:
    """Raises with the reason of the first resource that could not go; the child is then DELETE_FAILED, and may be tried again."""
    name = provisioners._nested_stack_lookup_name(physical_id)
    child = _stacks.get(name)
    if child is None or child["StackStatus"] == "DELETE_COMPLETE":
        return
    failures = _empty(name, creating=False)
    if failures:
        child.update(StackStatus="DELETE_FAILED", StackStatusReason=failures[0])
        raise ValueError(f"Nested stack {name} could not be deleted: {failures[0]}")
    child["StackStatus"] = "DELETE_COMPLETE"


def _empty(name: str, creating: bool) -> list[str]:
    """Dependents first. A resource whose policy retains it stays, unless it came with a creation that failed."""
    child = _stacks[name]
    resources, definitions = child["_resources"], child["_template"].get("Resources", {})
    failures = []
    for logical_id in reversed(engine._topological_sort(definitions, child.get("_conditions", {}))):
        resource = resources.get(logical_id)
        if resource is None:
            continue
        policy = _policy(child, definitions.get(logical_id))
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not creating):
            _tell(child, logical_id, resource, "DELETE_SKIPPED")
            del resources[logical_id]
            continue
        try:
            provisioners._delete_resource(
                resource["ResourceType"], resource["PhysicalResourceId"], resource["Properties"], name, logical_id
            )
        except Exception as failure:  # whatever a provisioner raises is the reason that CloudFormation would tell
            resource.update(ResourceStatus="DELETE_FAILED", ResourceStatusReason=str(failure))
            _tell(child, logical_id, resource, "DELETE_FAILED", str(failure))
            failures.append(f"{logical_id}: {failure}")
        else:
            _tell(child, logical_id, resource, "DELETE_COMPLETE")
            del resources[logical_id]
    return failures


def _policy(child: dict[str, Any], definition: dict[str, Any] | None) -> str:
    return str(
        stacks._resource_policy(
            definition,
            "DeletionPolicy",
            child["_resources"],
            child.get("_resolved_params", {}),
            child.get("_conditions", {}),
            child["_template"].get("Mappings", {}),
            child["StackName"],
            child["StackId"],
        )
    )


def _tell(child: dict[str, Any], logical_id: str, resource: dict[str, Any], status: str, reason: str = "") -> None:
    physical = resource.get("PhysicalResourceId", "")
    stacks._add_event(child["StackId"], child["StackName"], logical_id, resource["ResourceType"], status, reason, physical)

"""Roles: without names, which could not be changed; under our path, by which they are passed; and within the boundary."""

from __future__ import annotations

from collections.abc import Iterator

from infra_gen.checker.tree import Finding, Tree

UNBOUND = "NoBoundary"
"""The key in a role's Reasons that says why it has no boundary."""
_NAMES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}


def roles_are_unnamed_and_bounded(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.of_type(*_NAMES):
        properties = resource["Properties"]
        if _NAMES[resource["Type"]] in properties:
            yield Finding(stack, name, "has a name: it could not be replaced, nor be there twice.")
        if "knopfdruck" not in str(properties.get("Path")):
            yield Finding(stack, name, "is not under our path.")
        reason = resource.get("Metadata", {}).get("Reasons", {}).get(UNBOUND)
        if resource["Type"] == "AWS::IAM::Role" and not properties.get("PermissionsBoundary") and not reason:
            yield Finding(stack, name, "has no boundary and says no reason for it.")

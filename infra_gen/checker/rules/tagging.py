"""Everything that can be tagged says whose it is. Which types can be tagged is known by cfn-lint's copy of AWS's own schemas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any  # Any: templates are JSON

from infra_gen.checker.tree import NESTED, Finding, Tree
from infra_gen.names import ENVIRONMENT_TAG, MANAGED_TAG

REGION = "us-east-1"
"""Whose schemas are read; no region has others for the types we use."""
WITHOUT = frozenset({NESTED})
"""A nested stack gets its parent's tags."""
INSIDE = {"AWS::EC2::LaunchTemplate": ("LaunchTemplateData", "TagSpecifications")}
"""Where the tags of what it makes stand."""


def what_can_be_tagged_is(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.resources():
        if resource["Type"] in WITHOUT:
            continue
        properties = resource.get("Properties", {})
        property_name = tag_property(resource["Type"])
        if resource["Type"] in INSIDE:
            for word in INSIDE[resource["Type"]]:
                properties = properties.get(word, {})
            given = [key for each in properties for key in _keys(each.get("Tags"))]
        elif property_name:
            given = _keys(properties.get(property_name))
        else:
            continue
        missing = {ENVIRONMENT_TAG, MANAGED_TAG} - set(given)
        if missing:
            yield Finding(stack, name, f"is not tagged with {' and '.join(sorted(missing))}.")


@cache
def tag_property(kind: str) -> str:
    """Empty: this type has no tags."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    tagging = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema.get("tagging", {})
    return str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2] if tagging.get("taggable") else ""


def _keys(tags: Any) -> list[str]:
    if isinstance(tags, dict):
        return list(tags)
    return [str(each["Key"]) for each in tags or ()]

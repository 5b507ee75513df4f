"""Limits that CloudFormation, IAM, EC2 and Lambda would name only in the middle of a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any  # Any: templates are JSON

from infra_gen.checker.tree import Finding, Tree, place, walk

MOST_BYTES = 1_000_000
MOST = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
MOST_USER_DATA, MOST_INLINE_CODE = 16_384, 4_096
MOST_MANAGED_POLICY, MOST_ROLE_POLICIES = 6_144, 10_240


def within_the_limits_of_cloudformation(tree: Tree) -> Iterator[Finding]:
    for stack, template in tree.templates():
        size = len(json.dumps(template))
        if size > MOST_BYTES:
            yield Finding(stack, "template", f"has {size:,} bytes; CloudFormation reads {MOST_BYTES:,}.")
        for section, most in MOST.items():
            if len(template.get(section, {})) > most:
                yield Finding(stack, section, f"are {len(template[section])}; CloudFormation takes {most}.")
        if not template.get("Resources"):
            yield Finding(stack, "Resources", "are none, and CloudFormation makes no stack of nothing.")


def code_and_user_data_fit(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.resources():
        for path, value in walk(resource):
            if path and path[-1] == "ZipFile" and len(str(value)) > MOST_INLINE_CODE:
                yield Finding(
                    stack, name, f"has {len(value):,} characters of code; {MOST_INLINE_CODE:,} may be written into a template."
                )
            if path and path[-1] == "UserData" and (size := _written(value)) > MOST_USER_DATA:
                yield Finding(stack, f"{name}.{place(path)}", f"has {size:,} bytes; EC2 takes {MOST_USER_DATA:,}.")


def policies_fit(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.of_type("AWS::IAM::ManagedPolicy", "AWS::IAM::Role"):
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            size, most = sum(_written(each["PolicyDocument"]) for each in properties.get("Policies", ())), MOST_ROLE_POLICIES
        else:
            size, most = _written(properties["PolicyDocument"]), MOST_MANAGED_POLICY
        if size > most:
            yield Finding(stack, name, f"has about {size:,} characters of policy; IAM takes {most:,}.")


def _written(value: Any) -> int:
    """About as long as it becomes: functions of CloudFormation are replaced by what they are mostly made of."""
    if isinstance(value, dict):
        if "Fn::Sub" in value:
            text = value["Fn::Sub"]
            return len(text if isinstance(text, str) else text[0]) + 40
        if set(value) & {"Ref", "Fn::GetAtt"}:
            return 100
        if "Fn::If" in value:
            return max(_written(each) for each in value["Fn::If"][1:])
        return 2 + sum(len(key) + 4 + _written(each) for key, each in value.items())
    if isinstance(value, list):
        return 2 + sum(1 + _written(each) for each in value)
    return len(str(value)) + 2

"""Logs cost money for ever unless somebody says how long, and outlive their stack unless the stack owns them."""

from __future__ import annotations

from collections.abc import Iterator

from infra_gen.checker.tree import Finding, Tree


def log_groups_forget(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.of_type("AWS::Logs::LogGroup"):
        if not resource["Properties"].get("RetentionInDays"):
            yield Finding(stack, name, "keeps its logs for ever.")


def functions_log_where_we_say(tree: Tree) -> Iterator[Finding]:
    """Without a group of its stack a function makes one itself, which nobody removes."""
    for stack, name, resource in tree.of_type("AWS::Lambda::Function"):
        group = resource["Properties"].get("LoggingConfig", {}).get("LogGroup", {})
        known = tree.children.get(stack, tree.root)["Resources"]
        if known.get(group.get("Ref", ""), {}).get("Type") != "AWS::Logs::LogGroup":
            yield Finding(stack, name, "logs into a group that its stack does not have.")

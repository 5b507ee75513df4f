"""A star in a policy is a decision, and a decision has a reason: it stands beside the statement, in the resource's Metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any  # Any: templates are JSON

from infra_gen.checker.tree import Finding, Tree, place, walk

SHORTEST = 10


def wildcards_have_reasons(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.resources():
        reasons = resource.get("Metadata", {}).get("Reasons", {})
        for path, statement in walk(resource.get("Properties", {})):
            if isinstance(statement, dict) and "Effect" in statement:
                stars = sorted(
                    {star for key in ("Action", "Resource", "Principal", "NotAction") for star in _stars(statement.get(key))}
                )
                if stars and len(reasons.get(statement.get("Sid", ""), "")) < SHORTEST:
                    where = f"{name}.{place(path)} ({statement.get('Sid', 'without Sid')})"
                    yield Finding(stack, where, f"has {', '.join(stars)} and says no reason for it.")


def skips_have_reasons(tree: Tree) -> Iterator[Finding]:
    for stack, name, resource in tree.resources():
        metadata = resource.get("Metadata", {})
        for skip in metadata.get("checkov", {}).get("skip", ()):
            if len(skip.get("comment", "")) < SHORTEST:
                yield Finding(stack, name, f"leaves out {skip['id']} and says no reason for it.")
        for rule in metadata.get("cfn-lint", {}).get("config", {}).get("ignore_checks", ()):
            if len(metadata.get("Reasons", {}).get(rule, "")) < SHORTEST:
                yield Finding(stack, name, f"leaves out {rule} and says no reason for it.")


def _stars(value: Any) -> Iterator[str]:
    """The strings with a star in them; an access to all streams of one log group has one too."""
    for _, each in walk(value):
        if isinstance(each, str) and "*" in each:
            yield each

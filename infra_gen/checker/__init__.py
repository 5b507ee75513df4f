"""Proves a tree of templates right before anybody deploys it: emulators say yes where AWS says no.

A rule is a function from a tree to findings; the rules are listed in `rules/__init__.py`. None of them asks the network.
"""

from __future__ import annotations

from infra_gen.checker.rules import RULES
from infra_gen.checker.tree import Finding, Tree

__all__ = ["Finding", "Tree", "check"]


def check(tree: Tree) -> tuple[Finding, ...]:
    """In the order of stacks and places; empty: the tree is right, as far as this can tell."""
    found = (finding for rule in RULES for finding in rule(tree))
    return tuple(sorted(found, key=lambda finding: (finding.stack, finding.where, finding.message)))

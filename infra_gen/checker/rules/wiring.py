"""Between the stacks: everything that is asked for is given, once, by somebody who is there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any  # Any: templates are JSON

from infra_gen.checker.tree import NESTED, Finding, Tree, place, walk
from infra_gen.names import ROOT_STACK

_OUTPUT = re.compile(r"\$\{(\w+)\.Outputs\.(\w+)\}")


def children_get_what_they_declare(tree: Tree) -> Iterator[Finding]:
    nested = {name: each for name, each in tree.root["Resources"].items() if each["Type"] == NESTED}
    for name in nested.keys() ^ tree.children.keys():
        yield Finding(ROOT_STACK, name, "is a nested stack without a template, or a template nobody nests.")
    for name in nested.keys() & tree.children.keys():
        given = set(nested[name].get("Properties", {}).get("Parameters", {}))
        declared = tree.children[name].get("Parameters", {})
        for parameter in sorted(given - set(declared)):
            yield Finding(ROOT_STACK, name, f"gives {parameter}, which the stack does not declare.")
        for parameter in sorted(set(declared) - given):
            yield Finding(ROOT_STACK, name, f"does not give {parameter}.")


def outputs_that_are_used_exist(tree: Tree) -> Iterator[Finding]:
    for path, (name, output) in _uses(tree):
        if output not in tree.children.get(name, {}).get("Outputs", {}):
            yield Finding(ROOT_STACK, place(path), f"uses {name}.{output}, which there is not.")


def no_stack_waits_for_itself(tree: Tree) -> Iterator[Finding]:
    graph: dict[str, set[str]] = {name: set() for name in tree.children}
    for path, (name, _) in _uses(tree):
        if path[0] == "Resources":
            graph.setdefault(path[1], set()).add(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield Finding(ROOT_STACK, "Resources", f"stacks wait for each other: {' -> '.join(error.args[1])}.")


def absent_stacks_are_not_asked(tree: Tree) -> Iterator[Finding]:
    """An output of a stack with a condition is used under that condition, or inside an If."""
    for path, (name, output) in _uses(tree):
        condition = tree.root["Resources"].get(name, {}).get("Condition")
        holder = tree.root[path[0]].get(path[1], {})
        if condition and "Fn::If" not in path and not _implies(tree, holder.get("Condition"), condition):
            yield Finding(ROOT_STACK, place(path), f"uses {name}.{output} also where {condition} does not hold.")


def _implies(tree: Tree, first: Any, second: str) -> bool:
    """The same, or the second is an Or that the first is part of."""
    either = tree.root.get("Conditions", {}).get(second, {})
    return first == second or (isinstance(either, dict) and {"Condition": first} in either.get("Fn::Or", ()))


def _uses(tree: Tree) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """Where the root uses an output, and which: (stack, output)."""
    for path, value in walk(tree.root):
        if path and path[-1] == "Fn::GetAtt" and isinstance(value, list) and str(value[1]).startswith("Outputs."):
            yield path, (value[0], value[1].removeprefix("Outputs."))
        elif isinstance(value, str):
            yield from ((path, (found[1], found[2])) for found in _OUTPUT.finditer(value))

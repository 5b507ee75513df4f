"""What can be said to a stack: each parameter has a type and a sentence, and changes something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra_gen.checker.tree import Finding, Template, Tree, walk

_TYPE = re.compile(r"String|Number|CommaDelimitedList|List<.+>|AWS::[\w:]+(<.+>)?")
_WORD = re.compile(r"\$\{(\w+)\}")
SHORTEST = 4


def parameters_are_typed_and_described(tree: Tree) -> Iterator[Finding]:
    for stack, template in tree.templates():
        for name, declared in template.get("Parameters", {}).items():
            if not _TYPE.fullmatch(declared.get("Type", "")):
                yield Finding(stack, name, f"has the type {declared.get('Type')!r}, which is none.")
            if len(declared.get("Description", "")) < SHORTEST:
                yield Finding(stack, name, "has no description.")


def parameters_are_used(tree: Tree) -> Iterator[Finding]:
    for stack, template in tree.templates():
        used = _references(template)
        for name in template.get("Parameters", {}):
            if name not in used:
                yield Finding(stack, name, "is never used.")


def outputs_are_described(tree: Tree) -> Iterator[Finding]:
    for stack, template in tree.templates():
        for name, output in template.get("Outputs", {}).items():
            if len(output.get("Description", "")) < SHORTEST:
                yield Finding(stack, name, "is an output without a description.")
            if "Export" in output:
                yield Finding(stack, name, "is exported: nothing it is used by could then be changed.")


def _references(template: Template) -> set[str]:
    found: set[str] = set()
    for path, value in walk({key: each for key, each in template.items() if key != "Parameters"}):
        if path and path[-1] == "Ref":
            found.add(value)
        elif isinstance(value, str):
            found.update(_WORD.findall(value))
    return found

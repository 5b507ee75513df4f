"""The tree under proof, as plain JSON, and what can be found in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any  # Any: templates are JSON

from infra_gen.names import ROOT_STACK
from infra_gen.parameters import Preset
from infra_gen.stack import Stack

Template = dict[str, Any]
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, where, and in which stack."""

    stack: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.stack}: {self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Tree:
    """Children by the logical id the root knows them by."""

    root: Template
    children: Mapping[str, Template]
    retain: bool = False

    @classmethod
    def of(cls, stacks: Sequence[Stack], preset: Preset) -> Tree:
        *children, root = stacks
        return cls(json.loads(root.body), {child.title: json.loads(child.body) for child in children}, preset.retain)

    def templates(self) -> Iterator[tuple[str, Template]]:
        yield ROOT_STACK, self.root
        yield from self.children.items()

    def resources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(stack, logical id, resource) of all there are."""
        for stack, template in self.templates():
            for name, resource in template.get("Resources", {}).items():
                yield stack, name, resource

    def of_type(self, *types: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        return (each for each in self.resources() if each[2]["Type"] in types)


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value below, with the way to it."""
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from walk(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from walk(each, (*path, str(index)))


def place(path: Sequence[str]) -> str:
    return ".".join(path)

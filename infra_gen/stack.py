"""A stack: a name, a template, and the key it is stored under. The key says the content, so nothing changed is ever hidden."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

MOST_BYTES = 1_000_000
"""CloudFormation reads no larger template, not even from S3."""


@dataclass(frozen=True, slots=True)
class Stack:
    """`name` is a word such as "network"; `condition` the root's condition under which it is deployed, or empty."""

    name: str
    template: Any
    condition: str = ""

    @property
    def title(self) -> str:
        """Its logical id in the root: lambda_runner is LambdaRunner."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def body(self) -> str:
        """JSON, the same bytes for the same template."""
        return str(self.template.to_json(indent=1, sort_keys=True)) + "\n"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()

    @property
    def key(self) -> str:
        """Under the template base: an object that is there already need not be written again."""
        return f"templates/{self.digest}/{self.name}.json"

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(self.template.parameters)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.template.outputs)

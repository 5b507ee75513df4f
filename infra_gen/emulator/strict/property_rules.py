"""Properties of a resource against the schema that AWS publishes for its type, as cfn-lint carries it [L].

Checked is what CloudFormation itself refuses before it calls a service: a key that the type does not have, a key that is missing,
a value outside an enumeration or a range. The schemas are read from cfn-lint's files; without cfn-lint this rule does not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from infra_gen.emulator.strict.request import Refusal

REGION = "us-east-1"
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Schemas:
    """`folder` is cfn-lint's `data/schemas`."""

    folder: Path
    index: Mapping[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", json.loads((self.folder / "providers" / f"{REGION}.json").read_text()))

    def of(self, kind: str) -> Schema | None:
        """None for a type that AWS does not publish."""
        return _read(self.folder / "resources" / f"{self.index[kind]}.json") if kind in self.index else None


def check(schemas: Schemas, kind: str, logical_id: str, properties: Mapping[str, Any]) -> None:
    """Refuses with the sentence of CloudFormation, of which the first finding is told."""
    schema = schemas.of(kind)
    if schema is None:
        return
    finding = next(_findings(properties, schema, schema, "#"), None)
    if finding is not None:
        raise Refusal("ValidationError", f"Properties validation failed for resource {logical_id} with message: {finding}")


def _findings(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    schema = _followed(schema, root)
    if isinstance(value, dict):
        yield from _of_object(value, schema, root, path)
    elif isinstance(value, list):
        items = schema.get("items")
        for number, each in enumerate(value):
            if isinstance(items, dict):
                yield from _findings(each, items, root, f"{path}/{number}")
    else:
        yield from _of_scalar(value, schema, path)


def _of_object(value: Mapping[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    known = schema.get("properties")
    if not isinstance(known, dict):
        return
    read_only = {each.removeprefix("/properties/") for each in root.get("readOnlyProperties", ())} if path == "#" else set()
    if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
        yield from (f"{path}: extraneous key [{name}] is not permitted" for name in value if name not in known)
    yield from (f"{path}: extraneous key [{name}] is not permitted" for name in value if name in read_only)
    yield from (f"{path}: required key [{name}] not found" for name in schema.get("required", ()) if name not in value)
    for name, each in value.items():
        if isinstance(known.get(name), dict):
            yield from _findings(each, known[name], root, f"{path}/{name}")


def _of_scalar(value: Any, schema: Schema, path: str) -> Iterator[str]:
    """Text of a parameter may stand for a number or a truth value, as everywhere in CloudFormation."""
    allowed = schema.get("enum")
    if allowed and str(value) not in {str(each) for each in allowed} and not isinstance(value, bool):
        yield f"{path}: {value} is not a valid enum value"
    if schema.get("type") in ("integer", "number"):
        number = _number(value)
        if number is None:
            yield f"{path}: expected type: Number, found: String"
        elif not float(schema.get("minimum", number)) <= number <= float(schema.get("maximum", number)):
            yield f"{path}: {value} is not between {schema.get('minimum')} and {schema.get('maximum')}"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _followed(schema: Schema, root: Schema) -> Schema:
    """What a `$ref` within the document points at."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return dict(found)


@cache
def _read(path: Path) -> Schema:
    return dict(json.loads(path.read_text()))

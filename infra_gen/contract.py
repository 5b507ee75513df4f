"""The portal's own description of its API, as API Gateway wants it: paths, methods, and models of bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any  # Any: OpenAPI documents are JSON

import yaml

DOCUMENT = Path(__file__).resolve().parents[1] / "portal" / "api" / "openapi.yaml"
NOT_FOR_OUTSIDE = ("/healthz", "/readyz", "/metrics")
"""What only the machine the portal runs on asks for."""
KNOWN = frozenset({
    "additionalProperties", "anyOf", "enum", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength",
    "minimum", "oneOf", "pattern", "properties", "required", "type",
})  # fmt: skip
"""The words of draft 4 that API Gateway knows; it refuses a model with any other."""


@dataclass(frozen=True, slots=True)
class Route:
    """`parts` are the words of the path; those in braces are named by their place, because siblings must agree on a name."""

    method: str
    parts: tuple[str, ...]
    body: str = ""
    """Name of the model; empty: none is taken."""
    required: tuple[str, ...] = ()
    """Query parameters and headers that must be there, as API Gateway writes them."""


def routes() -> tuple[Route, ...]:
    return tuple(sorted(_routes(_document()), key=lambda route: (route.parts, route.method)))


def models() -> dict[str, dict[str, Any]]:
    """The bodies of all routes, with nothing that refers to anything else."""
    schemas = _document()["components"]["schemas"]
    return {name: _draft4(schemas[name], schemas) for name in sorted({route.body for route in routes() if route.body})}


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return found


def _routes(document: Mapping[str, Any]) -> Iterator[Route]:
    for path, operations in document["paths"].items():
        if path not in NOT_FOR_OUTSIDE:
            for method, operation in operations.items():
                yield Route(method.upper(), _parts(path), _body(operation), _required(operation))


def _parts(path: str) -> tuple[str, ...]:
    """/load-tests/{run_id}/compare/{other} is load-tests, {item}, compare, {item2}; a name beside an extension takes both."""
    found: list[str] = []
    for word in path.strip("/").split("/"):
        variables = sum(part.startswith("{") for part in found)
        found.append("{item" + (str(variables + 1) if variables else "") + "}" if "{" in word else word)
    return tuple(found)


def _body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def _required(operation: Mapping[str, Any]) -> tuple[str, ...]:
    words = {"query": "querystring", "header": "header"}
    return tuple(
        f"method.request.{words[each['in']]}.{each['name']}"
        for each in operation.get("parameters", ())
        if each.get("required") and each["in"] in words
    )


def _draft4(schema: Any, schemas: Mapping[str, Any]) -> Any:
    """Only what draft 4 knows. What is left out is checked by the portal, which checks everything anyway."""
    if isinstance(schema, list):
        return [_draft4(each, schemas) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _draft4(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    found = {word: value for word, value in schema.items() if word in KNOWN}
    if "properties" in found:
        found["properties"] = {name: _draft4(value, schemas) for name, value in found["properties"].items()}
    for word in ("items", "additionalProperties", "anyOf", "oneOf"):
        if word in found:
            found[word] = _draft4(found[word], schemas)
    return found

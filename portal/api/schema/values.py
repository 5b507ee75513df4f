"""Components that are made from the core's own types, so that they cannot differ from what is stored and answered."""

from __future__ import annotations

from typing import Any  # Any: JSON schema

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.aws_place import AwsPlace
from portal.core.summary import RunSummary
from portal.core.timeline import TimePoint

_KINDS = {"RunSummary": RunSummary, "TimePoint": TimePoint, "AwsPlace": AwsPlace}


def add_components(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular. What an older version stored may lack fields, so none of them is promised."""
    _, found = msgspec.json.schema_components(tuple(_KINDS.values()), ref_template="#/components/schemas/{name}")
    for schema in found.values():
        schema.pop("required", None)
        schema.pop("title", None)
    result["components"]["schemas"] = dict(sorted({**result["components"]["schemas"], **found}.items()))
    return result


def one_of(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@extend_schema_field({"anyOf": [one_of("RunSummary"), {"type": "null"}]})
class SummaryField(serializers.JSONField):
    pass


@extend_schema_field({"type": "array", "items": one_of("TimePoint")})
class TimelineField(serializers.JSONField):
    pass


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class TextsField(serializers.JSONField):
    """Texts by name."""


@extend_schema_field(one_of("AwsPlace"))
class PlaceField(serializers.JSONField):
    """Where in AWS workers run; empty for other places. Region and bucket are needed, the rest as the stack has it."""


@extend_schema_field({"type": "object"})
class ObjectField(serializers.JSONField):
    """An object whose fields depend on the run."""

"""Reads a JSON body of bounded size; nothing of it that a database could not store gets through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any  # Any: JSON as it came

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from portal.api.errors import BodyTooLarge
from portal.core.errors import RequestRejected

MOST_BYTES = 1024 * 1024
MOST_DEPTH = 20


class BoundedJSONParser(BaseParser):
    """DRF's JSON parser with a limit in bytes and depth, and without NaN, NUL and half characters."""

    media_type = "application/json"
    most_bytes = MOST_BYTES

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        data = stream.read(self.most_bytes + 1)
        if len(data) > self.most_bytes:
            raise BodyTooLarge(self.most_bytes)
        try:
            found = json.loads(data.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise RequestRejected.because("body", "The body is not a JSON object.", 'Send {"scenario": "...", ...}.')
        _check(found, MOST_DEPTH)
        return found


class ScriptJSONParser(BoundedJSONParser):
    """For bodies that carry a script and its data files."""

    most_bytes = 8 * MOST_BYTES


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _check(value: object, depth: int) -> None:
    """Raises ParseError for a value nested too deep, or a text with NUL or an unpaired surrogate."""
    if depth == 0:
        raise ParseError(f"The body is nested more than {MOST_DEPTH} levels deep.")
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value)):
        raise ParseError("The body has a text with a character that cannot be stored (NUL or half of a pair).")
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    for part in parts:
        _check(part, depth - 1)

"""Secrets are named, never stored: where a worker finds the value, and how the value is kept out of what it writes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from portal.core.fields import FieldError, parameters, shown

PREFIX = "KNOPFDRUCK_SECRET_"
"""A worker's own credentials are variables too; only those with this prefix are for scripts."""
HIDDEN = "[secret]"
STAND_IN = "secret"
"""What a script sees while it is checked; it must not need the value to be loaded."""
SHORTEST = 4
HINT = (
    f"Write env:{PREFIX}NAME, ssm:arn:aws:ssm:REGION:ACCOUNT:parameter/NAME, or "
    "secretsmanager:arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME (with #key for one value of a JSON secret)."
)
_ENV = re.compile(PREFIX + r"[A-Z0-9_]{1,60}")
_SSM = re.compile(r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter/[A-Za-z0-9_./-]{1,500}")
_MANAGER = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,500}(#[A-Za-z0-9_.-]{1,100})?"
)
_KINDS = {"env": _ENV, "ssm": _SSM, "secretsmanager": _MANAGER}


def secrets(value: object) -> dict[str, str]:
    """References by the variable a script reads them from. Raises ValueError with a sentence."""
    found = parameters(value)
    for name, reference in found.items():
        kind, _, place = reference.partition(":")
        if kind not in _KINDS or not _KINDS[kind].fullmatch(place):
            # The text is not repeated: it may be the very value that does not belong here.
            raise FieldError(f"{shown(name)} is no reference to a secret.", HINT)
    return found


def one_value(text: str, key: str) -> str:
    """The value of a key of a JSON secret. Raises ValueError without repeating any of it."""
    try:
        found = json.loads(text).get(key)
    except (ValueError, AttributeError):
        found = None
    if not isinstance(found, str):
        raise ValueError(f"The secret has no text under the key {key}.")
    return found


class Redaction:
    """Hides values, also as they stand in URLs and JSON, and alone in base64. Very short ones would hide everything."""

    def __init__(self, values: Iterable[str]) -> None:
        spellings = {spelling for value in values if len(value) >= SHORTEST for spelling in _spellings(value)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def labels(self, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, self(value)) for name, value in labels)


def _spellings(value: str) -> tuple[str, ...]:
    return (
        value,
        quote(value, safe=""),
        quote(value),
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode().rstrip("="),
    )


def with_stand_ins(environment: Mapping[str, str], references: Mapping[str, str]) -> dict[str, str]:
    """What a script sees while it is checked or packed."""
    return {**environment, **dict.fromkeys(references, STAND_IN)}

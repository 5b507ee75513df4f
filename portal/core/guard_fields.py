"""How the guard rails of an environment are read from plain data: by the API and by the admin's form alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from portal.core.addresses import read_network
from portal.core.fields import FieldError, shown
from portal.core.hours import read_hours, read_zone

MOST_ENTRIES = 100
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def hosts(value: object) -> list[str]:
    """Exact names, or `*.suffix` with at least two labels: never everything."""
    found = [word.lower().rstrip(".") for word in _texts(value, "Hosts")]
    for word in found:
        if not _HOST.fullmatch(word) or ".." in word or (word.startswith("*.") and word.count(".") < 2):
            raise FieldError(f"{shown(word)} is no host.", "Write shop.example.com or *.test.example.com.")
    return found


def networks(value: object) -> list[str]:
    found = _texts(value, "Networks")
    try:
        return [str(read_network(word)) for word in found]
    except ValueError as error:
        raise FieldError(str(error)[:100], "Write 10.20.0.0/16 or 10.20.0.7.") from error


def hours(value: object) -> list[str]:
    found = _texts(value, "Hours")
    for word in found:
        read_hours(word)
    return found


def zone(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError("A time zone is a name.", "Write Europe/Berlin.")
    read_zone(value)
    return value


def freezes(value: object) -> list[dict[str, str]]:
    """Each with start and end, in ISO 8601 with a zone, and maybe a reason."""
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise FieldError(f"Freezes are a list of up to {MOST_ENTRIES}.", _FREEZE)
    return [_freeze(item) for item in value]


def money(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
        raise FieldError(f"{shown(value)} is no amount of dollars.", "Give a number such as 12.50.")
    return float(value)


_FREEZE = 'Write {"start": "2026-11-27T00:00Z", "end": "2026-11-30T00:00Z", "reason": "the sale"}.'


def _freeze(item: object) -> dict[str, str]:
    if not isinstance(item, dict) or not {"start", "end"} <= set(item) <= {"start", "end", "reason"}:
        raise FieldError(f"{shown(item)} is no freeze.", _FREEZE)
    start, end = _moment(item["start"]), _moment(item["end"])
    if end <= start:
        raise FieldError("A freeze ends after it begins.", _FREEZE)
    return {"start": start.isoformat(), "end": end.isoformat(), "reason": str(item.get("reason", ""))[:200]}


def _moment(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 2000 < found.year < 2200:
        raise FieldError(f"{shown(value)} is no moment with a time zone.", _FREEZE)
    return found


def _texts(value: object, what: str) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise FieldError(f"{what} are a list of texts.")
    if len(value) > MOST_ENTRIES or any(len(item) > 300 or "\x00" in item for item in value):
        raise FieldError(f"Up to {MOST_ENTRIES} are taken.")
    return [item.strip() for item in value]

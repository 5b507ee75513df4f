"""How single fields of a request are read from plain data.

Each parser raises ValueError with a sentence, or FieldError with a hint beside it; nothing else, whatever comes in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from urllib.parse import urlsplit

from portal.core.duration import parse_duration
from portal.core.load import Stage

MOST_VUS, MOST_RATE, MOST_WORKERS, MOST_STAGES, MOST_ENTRIES, LONGEST_TEXT = 1_000_000, 1_000_000, 10_000, 1000, 50, 4000
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_RESERVED = re.compile(
    r"(?i)(k6_|artillery|node_|npm_|ld_|dyld_|aws_|kd_|target_|path$|home$|shell$|http_proxy|https_proxy|no_proxy)"
)
_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,40}")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/(s|m|h))?")
_PER = {"s": 1, "m": 60, "h": 3600, None: 1}


class FieldError(ValueError):
    """A value that cannot be read, and how to put it right."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def stages(value: object) -> tuple[tuple[Stage, bool], ...]:
    """Stages with whether their target is a rate; all alike."""
    hint = 'Write stages as "10s:50" (virtual users) or "10s:50/s" (arrivals), or {"duration": "10s", "target": 50}.'
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise FieldError("Stages are a list.", hint)
    if len(value) > MOST_STAGES:
        raise FieldError(f"{len(value)} stages are more than the {MOST_STAGES} allowed.")
    try:
        found = tuple(_stage(item) for item in value)
    except ValueError as error:
        raise FieldError(str(error)[:200], hint) from error
    if len({is_rate for _, is_rate in found}) > 1:
        raise FieldError("Stages mix virtual users and arrival rates.", hint)
    if not any(stage.target for stage, _ in found):
        raise FieldError("All stages go to 0: that is no load.", hint)
    return found


def _stage(item: object) -> tuple[Stage, bool]:
    if isinstance(item, str):
        length, colon, target = item.partition(":")
        if not colon:
            raise ValueError(f"{shown(item)} is not a stage.")
        is_rate = "/" in target
    elif isinstance(item, Mapping) and set(item) in ({"duration", "target"}, {"duration", "rate"}):
        is_rate, length = "rate" in item, item["duration"]
        target = item["rate"] if is_rate else item["target"]
    else:
        raise ValueError(f"{shown(item)} is not a stage.")
    if is_rate:
        return Stage(parse_duration(length), parse_rate(target, least=Fraction(0))), True
    return Stage(parse_duration(length), Fraction(whole(MOST_VUS, least=0)(target))), False


def parse_rate(value: object, *, least: Fraction = Fraction(1, 3600)) -> Fraction:
    """Arrivals per second from `5`, `2.5`, `30/m`; raises ValueError."""
    match = _RATE.fullmatch(str(value).strip()) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    if match is None:
        raise FieldError(f"{shown(value)} is not an arrival rate.", "Write arrivals per second, such as 5, 2.5 or 30/m.")
    rate = Fraction(match[1]) / _PER[match[2]]
    if not least <= rate <= MOST_RATE:
        raise FieldError(f"{shown(value)} is not an arrival rate above 0 and up to {MOST_RATE:,}/s.", "Ask for at least 1/h.")
    return rate


def whole(most: int, *, least: int = 1) -> Callable[[object], int]:
    def parse(value: object) -> int:
        word = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?\d{1,12}", word):
            raise FieldError(f"{shown(value)} is not a whole number.", f"Give a number from {least} to {most:,}.")
        if not least <= int(word) <= most:
            raise FieldError(f"{word} is out of range.", f"Give a number from {least} to {most:,}.")
        return int(word)

    return parse


def name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        raise FieldError(f"{shown(value)} is not a name.")
    return value.strip()


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldError(f"{shown(value)} is neither true nor false.")
    return value


def text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise FieldError(f"Give a text of up to {LONGEST_TEXT} characters.")
    return value


def _entries(value: object, what: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(item, (str, int, float)) and not isinstance(item, bool) for key, item in value.items()
    ):
        raise FieldError(f"{what} are pairs of a name and a text or number.")
    found = {key: str(item) for key, item in value.items()}
    if len(found) > MOST_ENTRIES or any(len(item) > LONGEST_TEXT or "\x00" in item for item in found.values()):
        raise FieldError(f"Up to {MOST_ENTRIES} entries of up to {LONGEST_TEXT} characters are taken.")
    return found


def targets(value: object) -> dict[str, str]:
    found = check_entries(value)
    for url in found.values():
        check_target(url)
    return found


def check_entries(value: object) -> dict[str, str]:
    """Texts by service, whatever they say."""
    found = _entries(value, "Targets")
    for service in found:
        if not _SERVICE.fullmatch(service):
            raise FieldError(f"{service[:60]!r} is not a service name.", "Use small letters, digits and dashes.")
    return found


def check_target(url: str) -> None:
    """Raises ValueError unless `url` is an absolute http or https URL without credentials."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or any(sign.isspace() for sign in url):
        raise FieldError(f"{url[:100]!r} is not a target.", "Give an absolute URL such as http://127.0.0.1:18101.")


def parameters(value: object) -> dict[str, str]:
    found = _entries(value, "Parameters")
    for name in found:
        if not _PARAMETER.fullmatch(name):
            raise FieldError(f"{name[:60]!r} is not a parameter name.", "Use letters, digits and underscores.")
        if _RESERVED.match(name):
            hint = "Choose a name that is not the engine's or the system's own; targets go into targets."
            raise FieldError(f"{name!r} is reserved.", hint)
    return found


def tags(value: object) -> dict[str, str]:
    return _entries(value, "Tags")


def shown(value: object) -> str:
    """A foreign value inside a sentence, cut to a readable length."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = f"This {type(value).__name__}"
    return text if len(text) <= 80 else text[:80] + "..."

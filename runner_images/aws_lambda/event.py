"""What an invocation asks for, checked: any client may have sent it."""

from __future__ import annotations

from collections.abc import Mapping

from runner_images.child import Assignment

MOST = 1 << 50


class EventRefused(Exception):
    """Nothing is started; the text says which field and why."""


def read_event(event: object) -> Assignment:
    """From `{"store", "run", "slot", "epoch", "cores", "memory"}`. Raises EventRefused."""
    if not isinstance(event, Mapping):
        raise EventRefused("The event is not an object with store, run, slot and epoch.")
    unknown = sorted(str(name)[:40] for name in event if name not in Assignment.__slots__)
    if unknown:
        raise EventRefused(f"The event has unknown fields: {', '.join(unknown)}.")
    return Assignment(
        _text(event, "store"), _text(event, "run"), _number(event, "slot"), _number(event, "epoch", 1),
        _number(event, "cores", 0), _number(event, "memory", 0),
    )  # fmt: skip


def _text(event: Mapping[str, object], name: str) -> str:
    found = event.get(name)
    if not isinstance(found, str) or not found or len(found) > 2000 or not found.isprintable():
        raise EventRefused(f"The event's {name} is {str(found)[:60]!r}; it is a text.")
    return found


def _number(event: Mapping[str, object], name: str, usual: int | None = None) -> int:
    found = event.get(name, usual)
    if isinstance(found, str) and found.isdecimal() and len(found) < 20:
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < MOST:
        raise EventRefused(f"The event's {name} is {str(found)[:60]!r}; it is a whole number from 0 on.")
    return found

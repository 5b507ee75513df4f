"""Reads the query part of a URL: every wrong parameter is named, and none that is unknown is passed over."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.request import Request

from portal.core.errors import Problem, RequestRejected

LONGEST = 200
MOST_TAGS = 5
MOST_ROWS, ROWS = 200, 50
# No bare number, which SQLite takes for a place in a list, and nothing that would end its JSON path early.
_TAG = re.compile(r"(?=.*[^\W\d_])[\w .:@/+-]{1,100}")


class Query:
    """Ask for each parameter, then `check()`, which raises RequestRejected with all that was wrong."""

    def __init__(self, request: Request, known: Collection[str]) -> None:
        self._given, self.problems = request.query_params, list[Problem]()
        for name in self._given:
            if name not in known:
                self._wrong(name[:60], "There is no such parameter.", "Parameters are " + ", ".join(known) + ".")

    def check(self) -> None:
        if self.problems:
            raise RequestRejected(self.problems)

    def text(self, name: str) -> str:
        words = self.texts(name)
        if len(words) > 1:
            self._wrong(name, "Give it once.")
        return words[-1] if words else ""

    def texts(self, name: str) -> tuple[str, ...]:
        words = tuple(word for word in self._given.getlist(name) if word)
        if any(len(word) > LONGEST or "\x00" in word for word in words):
            self._wrong(name, f"This has more than {LONGEST} characters, or one that cannot be stored.")
            return ()
        return words

    def choices(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Several by comma or by repetition."""
        words = tuple(part.strip() for word in self.texts(name) for part in word.split(","))
        for word in words:
            if word not in allowed:
                self._wrong(name, f"{word[:60]!r} is none.", "One of " + ", ".join(allowed) + ".")
        return words

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        word = self.text(name) or default
        if word not in allowed:
            self._wrong(name, f"{word[:60]!r} is none.", "One of " + ", ".join(allowed) + ".")
        return word

    def number(self, name: str, *, least: int, most: int, default: int) -> int:
        word = self.text(name)
        if not word:
            return default
        if not (word.isascii() and word.isdecimal() and len(word) < 10 and least <= int(word) <= most):
            self._wrong(name, f"{word[:60]!r} is not a number from {least} to {most}.")
            return default
        return int(word)

    def flag(self, name: str) -> bool:
        return self.choice(name, ("true", "false"), "false") == "true"

    def moment(self, name: str) -> datetime | None:
        word = self.text(name)
        if not word:
            return None
        try:
            # A plus sign of a time zone that was not escaped arrives as a space.
            found = parse_datetime(word.replace(" ", "+", 1) if "T" in word else word)
            day = None if found else parse_date(word)
        except ValueError:
            found = day = None
        if found is None and day is not None:
            found = datetime(day.year, day.month, day.day)
        if found is None or not 2000 < found.year < 2200:
            self._wrong(name, f"{word[:60]!r} is not a moment.", "Write 2026-11-24T10:00:00Z or 2026-11-24.")
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def tags(self, name: str) -> dict[str, str | None]:
        """`tag=team:shop`, or `tag=team` for any value."""
        words = self.texts(name)
        if len(words) > MOST_TAGS:
            self._wrong(name, f"Up to {MOST_TAGS} tags are looked for at once.")
        found: dict[str, str | None] = {}
        for word in words[:MOST_TAGS]:
            tag, colon, value = word.partition(":")
            if not _TAG.fullmatch(tag):
                self._wrong(name, f"{word[:60]!r} is not a tag.", "Write name:value, or the name alone.")
            else:
                found[tag] = value if colon else None
        return found

    def _wrong(self, name: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(name, message, hint))

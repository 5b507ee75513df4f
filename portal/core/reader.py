"""Reads the fields of a body one by one and keeps every problem instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from portal.core import duration as durations
from portal.core.errors import Problem, RequestRejected
from portal.core.fields import FieldError

T = TypeVar("T")


class Reader:
    """`known` are the fields there are; any other is a problem. Ask for each, then `check()`."""

    def __init__(self, data: Mapping[str, object], known: Collection[str]) -> None:
        self.data, self.problems = data, list[Problem]()
        for name in data:
            if name not in known:
                self.add(str(name)[:60], "There is no such field.", "Fields are " + ", ".join(known) + ".")

    def has(self, name: str) -> bool:
        """Whether anything is said; null and empty things say nothing."""
        return self.data.get(name) not in (None, "", [], {})

    def read(self, name: str, parse: Callable[[object], T], default: T) -> T:
        if not self.has(name):
            return default
        try:
            return parse(self.data[name])
        except FieldError as error:
            self.add(name, str(error), error.hint)
        except RequestRejected as error:
            self.problems.extend(error.problems)
        except ValueError as error:
            self.add(name, str(error)[:200], durations.HINT if name == "duration" else "")
        return default

    def add(self, name: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(name, message, hint))

    def check(self) -> None:
        """Raises RequestRejected with all that was wrong."""
        if self.problems:
            raise RequestRejected(self.problems)

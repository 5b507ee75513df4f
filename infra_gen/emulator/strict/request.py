"""A call of a service as a rule sees it, and how a rule refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):
    """The error that AWS gives: its code, its sentence, its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **extra: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.extra = code, message, status, extra


@dataclass(frozen=True)
class Request:
    """`parameters` are the JSON document, or the flat ones of the query protocol; `size` is the body's, in bytes."""

    service: str
    action: str
    parameters: Mapping[str, Any]
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    scope: tuple[str, str] = ("000000000000", "us-east-1")

    def get(self, name: str, default: Any = None) -> Any:
        found = self.parameters.get(name, default)
        return default if found is None else found


def too_many(found: int, most: int, what: str, code: str = "InvalidParameterException") -> None:
    if found > most:
        raise Refusal(code, f"{what} can have at most {most}, and {found} were given.")

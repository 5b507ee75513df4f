"""Every address of the portal, from the resolver itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any  # Any: patterns, resolvers and views of Django and DRF

from django.urls import get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    view: Any
    in_admin: bool

    def methods(self) -> tuple[str, ...]:
        return tuple(method for method in METHODS if hasattr(self.view, method.lower()))


def addresses() -> tuple[Address, ...]:
    return tuple(_walk(get_resolver(), in_admin=False))


def _walk(resolver: Any, *, in_admin: bool) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        within = in_admin or str(pattern.pattern) == "admin/"
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern, in_admin=within)
        else:
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", pattern.callback)
            yield Address(pattern.name or str(pattern.pattern), view, within)

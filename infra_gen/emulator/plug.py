"""The one way a plug-in replaces something of ministack's: the name in its module, and wherever a table of it holds it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


def plug(module: ModuleType, name: str, make: Callable[[Any], Any]) -> Any:
    """`make` takes the old value and gives the new one. Dispatch tables keep their own references, so they are mended too."""
    old = getattr(module, name)
    new = make(old)
    setattr(module, name, new)
    for table in [value for value in vars(module).values() if isinstance(value, dict)]:
        for key, value in list(table.items()):
            if value is old:
                table[key] = new
    return old

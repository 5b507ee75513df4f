"""How to call k6 and Artillery and read what they print. One line here adds an engine; nothing here starts a process."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from portal.core.errors import NotFound
from portal.core.ports import Engine, EngineTools

ENGINES = {
    "k6": "portal.engines.k6.K6",
    "artillery": "portal.engines.artillery.Artillery",
}


def open_engine(name: str, tools: EngineTools) -> Engine:
    """The adapter, imported only when it is used; raises NotFound for a name that is not in ENGINES."""
    if name not in ENGINES:
        raise NotFound(f"There is no engine {name!r}.", hint="Engines are " + ", ".join(ENGINES) + ".")
    module, _, kind = ENGINES[name].rpartition(".")
    return cast(Engine, getattr(import_module(module), kind)(tools))

"""What Fn::GetAtt says of a resource that an update of a nested stack leaves alone: what it said before.

ministack hands an unchanged resource's attributes on at the top level, and forgets to below it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services.cloudformation import provisioners

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins.types.registry import Made

KNOWN: Any = AccountRegionScopedDict()
"""Attributes by type and physical id."""


def install() -> None:
    plug(provisioners, "_provision_resource", _remembered)
    plug(provisioners, "_update_resource", _remembered)


def _remembered(make: Callable[..., Made]) -> Callable[..., Made]:
    def made(kind: str, *rest: Any, **more: Any) -> Made:
        physical_id, attributes = make(kind, *rest, **more)
        whole = {**KNOWN.get(f"{kind} {physical_id}", {}), **(attributes or {})}
        KNOWN[f"{kind} {physical_id}"] = whole
        return physical_id, whole

    return made

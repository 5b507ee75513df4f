"""How the root feeds its children: a parameter is an earlier stack's output of the same name, or else the root's own parameter.

So nothing is supplied twice or forgotten, and no circle can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Join, Parameter, Ref, Sub, cloudformation

from infra_gen.parameters import Preset
from infra_gen.stack import Stack

EITHER = {"DeployPortalOrApi": ("DeployPortal", "DeployApi")}
"""Conditions of the root that hold where one of others does."""


def nest(root: Any, children: Sequence[Stack], preset: Preset) -> None:
    """Adds every child to the root as a nested stack, and to the root's parameters what no child gives."""
    givers: dict[str, Stack] = {}
    for child in children:
        supplied = {name: _supply(root, child, name, givers, preset) for name in child.parameters}
        condition = {"Condition": child.condition} if child.condition else {}
        root.add_resource(
            cloudformation.Stack(child.title, TemplateURL=Sub(f"${{TemplateBase}}/{child.key}"), Parameters=supplied, **condition)
        )
        givers |= dict.fromkeys(child.outputs, child)


def output_of(giver: Stack, name: str, *, under: str = "") -> Any:
    """Empty where the stack that gives it is not deployed; `under` is the condition of whoever takes it."""
    value = GetAtt(giver.title, f"Outputs.{name}")
    certain = giver.condition in ("", under) or under in EITHER.get(giver.condition, ())
    return value if certain else If(giver.condition, value, "")


def _supply(root: Any, child: Stack, name: str, givers: dict[str, Stack], preset: Preset) -> Any:
    if name in givers:
        return output_of(givers[name], name, under=child.condition)
    if name not in root.parameters:
        root.add_parameter(_at_root(child.template.parameters[name], preset))
    return Join(",", Ref(name)) if root.parameters[name].Type.startswith(("List<", "CommaDelimited")) else Ref(name)


def _at_root(declared: Any, preset: Preset) -> Any:
    """The child's own declaration, with the preset's default."""
    properties = dict(declared.properties)
    if declared.title in preset.defaults:
        default = preset.defaults[declared.title]
        properties["Default"] = int(default) if declared.Type == "Number" else default
    return Parameter(declared.title, **properties)

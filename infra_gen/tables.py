"""Tables of the README that are made, not written: parameters, costs. `python -m infra_gen readme` puts them there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final  # Any: troposphere has no types

from infra_gen.costs import IdleCost, idle_of, total
from infra_gen.main import compose
from infra_gen.parameters import PRESETS
from infra_gen.permissions import deploy_policy

README: Final = Path(__file__).resolve().parent / "README.md"
_MARK = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def parameter_table() -> str:
    """Every parameter of the root, with its default in each preset and the stacks it reaches."""
    trees = {name: compose(preset) for name, preset in PRESETS.items()}
    *children, root = trees["dev"]
    rows = [
        (f"`{name}`", _values(declared), *_defaults(name, trees), declared.Description, _stacks(name, children))
        for name, declared in sorted(root.template.parameters.items())
    ]
    return _table(("parameter", "values", *PRESETS, "what it is", "used by"), rows)


def cost_table() -> str:
    """What each preset costs a month while nothing runs, part by part."""
    costs = {name: idle_of(preset, compose(preset)[-1]) for name, preset in PRESETS.items()}
    parts = list(dict.fromkeys(each.part for found in costs.values() for each in found))
    rows = [(part, *(_sum([each for each in found if each.part == part]) for found in costs.values())) for part in parts]
    last = ("**a month, idle**", *(f"**{total(found):,.2f} USD**" for found in costs.values()))
    return _table(("part", *PRESETS), [*rows, last])


def permissions_text() -> str:
    return f"```json\n{json.dumps(deploy_policy(), indent=1)}\n```\n"


def _sum(found: Sequence[IdleCost]) -> str:
    return f"{sum(each.month for each in found):,.2f}: {'; '.join(each.what for each in found)}" if found else "-"


def _values(declared: Any) -> str:
    values = declared.properties.get("AllowedValues")
    if values:
        return ", ".join(map(str, values))
    least, most = (declared.properties.get(name) for name in ("MinValue", "MaxValue"))
    if least is not None:
        return f"{least} to {most}"
    return {"CommaDelimitedList": "words with commas"}.get(declared.Type, "text")


def _defaults(name: str, trees: dict[str, Any]) -> Iterable[str]:
    for stacks in trees.values():
        default = stacks[-1].template.parameters[name].properties.get("Default")
        yield "**required**" if default is None else f"`{default}`" if default != "" else "-"


def _stacks(name: str, children: Sequence[Any]) -> str:
    return ", ".join(child.name for child in children if name in child.parameters) or "main"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def filled(text: str) -> str:
    """The text with every made part as it must be."""
    makers = {"parameters": parameter_table, "costs": cost_table, "permissions": permissions_text}
    return _MARK.sub(lambda found: found[1] + makers[found[2]]() + found[3], text)

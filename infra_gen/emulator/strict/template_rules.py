"""CloudFormation: what a template and its parameters must be before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra_gen.emulator.strict.request import Refusal

PSEUDO = re.compile(r"AWS::\w+")
IN_TEXT = re.compile(r"\$\{([^!][^}]*)\}")
INVALID = "ValidationError"


def known_parameters(template: Mapping[str, Any], given: Iterable[str]) -> None:
    """A parameter that the template does not declare is refused [K]."""
    unknown = sorted(set(given) - set(template.get("Parameters") or {}))
    if unknown:
        raise Refusal(INVALID, f"Parameters: [{', '.join(unknown)}] do not exist in the template")


def resolved_references(template: Mapping[str, Any]) -> None:
    """Every Ref, GetAtt and name in a Sub names a parameter or a resource of the template [K]."""
    known = {*(template.get("Parameters") or {}), *(template.get("Resources") or {})}
    for section in ("Resources", "Outputs"):
        found = {name for name in _names(template.get(section) or {}) if name not in known and not PSEUDO.fullmatch(name)}
        if found:
            where = f"in the {section} block of the template"
            raise Refusal(INVALID, f"Template format error: Unresolved resource dependencies {_list(found)} {where}")


def known_conditions(template: Mapping[str, Any]) -> None:
    """A condition that is named is declared [K]."""
    declared = set(template.get("Conditions") or {})
    used = {body["Condition"] for body in (template.get("Resources") or {}).values() if isinstance(body.get("Condition"), str)}
    if used - declared:
        raise Refusal(INVALID, f"Template format error: Unresolved condition dependency {_list(used - declared)}")


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _names(each)
    if not isinstance(node, dict):
        return
    if len(node) == 1:
        [(key, value)] = node.items()
        yield from _of_function(key, value)
    for key, value in node.items():
        if not (len(node) == 1 and key in ("Fn::Sub", "Ref", "Fn::GetAtt")):
            yield from _names(value)


def _of_function(key: str, value: Any) -> Iterator[str]:
    if key == "Ref" and isinstance(value, str):
        yield value
    elif key == "Fn::GetAtt":
        yield str(value[0] if isinstance(value, list) else value.split(".")[0])
    elif key == "Fn::Sub":
        text, variables = (value[0], value[1]) if isinstance(value, list) else (value, {})
        yield from (name.split(".")[0] for name in IN_TEXT.findall(text) if name.split(".")[0] not in variables)
        yield from _names(list(variables.values()))


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(sorted(names))}]"

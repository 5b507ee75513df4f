"""How `manage.py infra` says things: plans, events, states. Plain lines, for people and for logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from portal.aws.cloudformation import NESTED, Change, Resource, StackEvent, StackState
from portal.usecases.delete_stack import Retained
from portal.usecases.plan_stack import StackPlan

SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "+"}
REPLACED = {"True": "is REPLACED", "Conditional": "may be replaced"}


def plan_lines(plan: StackPlan) -> list[str]:
    if plan.is_empty:
        return ["Nothing changes."]
    lines = [_change_line(change) for change in plan.changes if change.kind != NESTED or change.action != "Modify"]
    counts = Counter(change.action for change in plan.changes if change.kind != NESTED)
    replaced = sum(change.replacement == "True" for change in plan.changes if change.kind != NESTED)
    return [
        *lines,
        f"{counts['Add']} to add, {counts['Modify']} to change ({replaced} of them replaced), {counts['Remove']} to remove.",
    ]


def danger_lines(changes: Iterable[Change]) -> list[str]:
    return [f"  {change.stack}/{change.logical} ({change.kind}) holds data and {_fate(change)}." for change in changes]


def _fate(change: Change) -> str:
    return "would be removed" if change.action == "Remove" else f"{REPLACED.get(change.replacement, 'changes')}"


def _change_line(change: Change) -> str:
    why = f": {', '.join(change.why)}" if change.why else ""
    fate = f" {REPLACED[change.replacement]}" if change.replacement in REPLACED and change.action == "Modify" else ""
    return f"  {SIGNS.get(change.action, '?')} {change.stack}/{change.logical} ({change.kind}){fate}{why}"


def event_line(event: StackEvent) -> str:
    reason = f": {event.reason}" if event.reason and "_FAILED" in event.status else ""
    return f"{event.at:%H:%M:%S}  {event.status:<28}{event.stack}/{event.logical}  {event.kind}{reason}"


def status_lines(state: StackState, resources: Iterable[tuple[str, Resource]]) -> list[str]:
    lines = [f"{state.name}: {state.status}" + (f" ({state.reason})" if state.reason else "")]
    for stack, resource in resources:
        lines.append(f"  {resource.status:<24}{stack}/{resource.logical}  {resource.kind}  {resource.physical}")
    return lines


def retained_lines(kept: Iterable[Retained]) -> list[str]:
    lines = [f"  {one.physical} ({one.kind}): {one.why}." for one in kept]
    return ["These stay:", *lines] if lines else ["Nothing is left."]

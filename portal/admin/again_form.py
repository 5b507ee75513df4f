"""The dialog Run again: a run's own version, load and settings, to be changed or taken as they are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any  # Any: field values

from django.shortcuts import get_object_or_404

from portal.admin.run_dialog import RunForm
from portal.core.duration import format_duration
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.models import Run, Scenario
from portal.usecases.read_run import plan_of


class AgainForm(RunForm):
    def subject(self) -> tuple[Scenario, int | None]:
        self.run = get_object_or_404(Run.objects.select_related("version__scenario", "environment"), pk=self.object_id)
        return self.run.version.scenario, self.run.version.number

    def start_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {"environment": self.run.environment.name, "backend": self.run.backend, "note": self.run.note}
        plan = plan_of(self.run)
        if plan is None:
            return values
        own = {name: value for name, value in plan.parameters.items() if self.run.environment.parameters.get(name) != value}
        asked = [rule.text for rule in plan.thresholds if rule.source == "request"]
        return values | load_values(plan.load) | {
            "workers": str(plan.workers),
            "on_worker_loss": plan.on_worker_loss,
            "sliced": plan.slices > 1,
            "elastic": plan.elastic,
            "parameters": "\n".join(f"{name}={value}" for name, value in own.items()),
            "thresholds": "\n".join(asked),
        }  # fmt: skip


def load_values(load: Load) -> dict[str, str]:
    """The fields that ask for this load; none for a script's own."""
    if not isinstance(load, (ClosedLoad, OpenLoad)):
        return {}
    unit = "/s" if isinstance(load, OpenLoad) else ""
    if not load.is_constant:
        stages = [f"{format_duration(stage.duration)}:{_plain(stage.target)}{unit}" for stage in load.stages]
        return {"stages": "\n".join(stages)}
    name = "rate" if isinstance(load, OpenLoad) else "vus"
    return {name: _plain(load.start), "duration": format_duration(load.stages[0].duration)}


def _plain(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6f}".rstrip("0")


AGAIN_DIALOG: Any = {
    "title": "Run again",
    "description": "The same version of the scenario. Numbers are totals over all workers.",
    "form_class": AgainForm,
    "form_submit_text": "Start run",
}

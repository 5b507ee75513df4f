"""The dialogs of approval and the kill switch."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.admin.actor import actor_of
from portal.admin.run_dialog import DialogForm, go_to
from portal.core.errors import Forbidden, PortalError
from portal.core.recheck import plan_digest
from portal.models import KillSwitch, Run
from portal.models.audit import Deed
from portal.usecases.approve_run import approve_run
from portal.usecases.describe_run import load_in_words
from portal.usecases.flip_kill_switch import lift_kill_switch, stop_everything
from portal.usecases.record_refusal import record_refusal
from portal.wiring import parts


class ApproveForm(DialogForm):
    """Shows the plan and carries its digest: what is approved is what was seen."""

    digest = forms.CharField(widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = get_object_or_404(Run, pk=self.object_id).load_plan()
        self.initial["digest"] = plan_digest(self.plan)

    def facts(self) -> dict[str, Any]:
        plan, many = self.plan, "worker" if self.plan.workers == 1 else "workers"
        targets = ", ".join(plan.targets.values()) or "no target of the environment"
        where = f"on {plan.environment} ({plan.backend}), to {targets}"
        load = f"{load_in_words(plan.load)}, {plan.workers} {many}"
        return {"about": f"{plan.scenario} v{plan.version}: {load} {where}. Plan {self.initial['digest'][:16]}."}


class SwitchForm(DialogForm):
    reason = forms.CharField(required=False, max_length=500, widget=UnfoldAdminTextInputWidget({"placeholder": "Why"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.switch = KillSwitch.objects.first()
        if self.switch:
            del self.fields["reason"]

    def facts(self) -> dict[str, Any]:
        if self.switch:
            return {"about": f"{said_of(self.switch)} When it is lifted, runs can be started again; nothing starts by itself."}
        alive = Run.objects.alive().count()
        runs = {0: "No run goes on.", 1: "One run goes on and is stopped, hard."}
        said = runs.get(alive, f"{alive} runs go on and are stopped, hard.")
        return {"about": f"{said} Nothing is started until somebody lifts the switch."}


def said_of(switch: KillSwitch) -> str:
    return f"{switch} ({switch.at:%d %b %Y, %H:%M} UTC)."


def badge(request: HttpRequest) -> tuple[str, str] | None:
    """In the head of every page while the switch is on; Unfold asks for text and colour."""
    return ("Kill switch is on", "danger") if request.user.is_authenticated and KillSwitch.objects.exists() else None


def _by_switch(off: str, on: str) -> Any:
    """A text of the dialog, chosen when it is shown. Any: a lazy str."""
    return lazy(lambda: on if KillSwitch.objects.exists() else off, str)()


APPROVE_DIALOG: Any = {
    "title": "Approve this run?",
    "description": "It starts at once.",
    "form_class": ApproveForm,
    "form_submit_text": "Approve",
}
SWITCH_DIALOG: Any = {
    "title": _by_switch("Stop everything?", "Lift the kill switch?"),
    "description": "",
    "form_class": SwitchForm,
    "form_submit_text": _by_switch("Stop everything", "Lift the switch"),
}


def approve(request: HttpRequest, form: ApproveForm, run_id: str) -> HttpResponse:
    try:
        approve_run(run_id, form.cleaned_data["digest"], by=actor_of(request))
    except PortalError as error:
        if isinstance(error, Forbidden):
            record_refusal(actor_of(request), Deed.ACCESS_REFUSED, error.message, subject=f"approve {run_id}")
        return _refused(request, form, APPROVE_DIALOG, error)
    return go_to(reverse("admin:portal_run_change", args=(run_id,)))


def flip(request: HttpRequest, form: SwitchForm) -> HttpResponse:
    """On when it is off; else it is lifted."""
    try:
        if KillSwitch.objects.exists():
            lift_kill_switch(by=actor_of(request))
        else:
            stop_everything(parts(), by=actor_of(request), reason=form.cleaned_data.get("reason", ""))
    except PortalError as error:
        return _refused(request, form, SWITCH_DIALOG, error)
    return go_to(reverse("admin:portal_run_changelist"))


def _refused(request: HttpRequest, form: DialogForm, dialog: Any, error: PortalError) -> HttpResponse:
    form.add_error(None, f"{error.message} {error.hint}".strip())
    context = {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}
    return render(request, "unfold/helpers/dialog.html", context)

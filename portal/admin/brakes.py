"""The dialogs of approval and the kill switch."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
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
        targets = ", ".join(self.plan.targets.values())
        said = (
            f"{load_in_words(self.plan.load)}, {self.plan.workers} workers, to {targets}. Digest {self.initial['digest'][:16]}."
        )
        return {"about": said}


class SwitchForm(DialogForm):
    reason = forms.CharField(required=False, max_length=500, widget=UnfoldAdminTextInputWidget({"placeholder": "Why"}))

    def facts(self) -> dict[str, Any]:
        switch = KillSwitch.objects.first()
        return {"about": f"{switch}. Going on lifts it." if switch else "Going on stops every run, hard, and blocks new ones."}


APPROVE_DIALOG: Any = {
    "title": "Approve this run?",
    "description": "It starts at once.",
    "form_class": ApproveForm,
    "form_submit_text": "Approve",
}
SWITCH_DIALOG: Any = {
    "title": "Kill switch",
    "description": "For emergencies.",
    "form_class": SwitchForm,
    "form_submit_text": "Go on",
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
            stop_everything(parts(), by=actor_of(request), reason=form.cleaned_data["reason"])
    except PortalError as error:
        return _refused(request, form, SWITCH_DIALOG, error)
    return go_to(reverse("admin:portal_run_changelist"))


def _refused(request: HttpRequest, form: DialogForm, dialog: Any, error: PortalError) -> HttpResponse:
    form.add_error(None, f"{error.message} {error.hint}".strip())
    context = {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}
    return render(request, "unfold/helpers/dialog.html", context)

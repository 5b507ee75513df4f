"""The dialogs that start and stop runs. GET shows them, only POST acts; what is refused is said in the dialog."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from portal.admin.actor import actor_of
from portal.core.errors import PortalError, Problem, RequestRejected
from portal.core.loss import OnWorkerLoss
from portal.core.request import LoadTestRequest, parse_request
from portal.models import Environment, Scenario
from portal.usecases.describe_run import load_in_words
from portal.usecases.list_templates import backends_for, facts_of
from portal.usecases.read_pairs import read_pairs, read_thresholds
from portal.usecases.request_run import request_run
from portal.wiring import parts

_PLAIN = ("environment", "vus", "rate", "duration", "max_vus", "workers", "on_worker_loss", "sliced", "elastic", "note")

_POLICIES = (
    (OnWorkerLoss.CONTINUE, "the others go on"), (OnWorkerLoss.REPLACE, "replace it"), (OnWorkerLoss.ABORT, "stop the run"),
)  # fmt: skip


def _text(label: str, hint: str = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=UnfoldAdminTextInputWidget({"placeholder": hint}))


def _lines(label: str, hint: str) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, widget=UnfoldAdminTextareaWidget({"rows": 2, "placeholder": hint, "class": "kd-code"})
    )


class DialogForm(BaseDialogForm):
    """Shows errors that belong to no field above the fields; Unfold's dialog leaves them out."""

    def render_before_template(self) -> str:
        context = {"errors": self.non_field_errors() if self.is_bound else (), **self.facts()}
        return render_to_string("portal/dialog_head.html", context)

    def facts(self) -> dict[str, Any]:
        return {}


class RunForm(DialogForm):
    """The start body of the API as fields. All text: one set of rules reads them, in `core.request`."""

    environment = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    backend = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    vus = _text("Virtual users", "20")
    rate = _text("or arrivals per second", "5 or 30/m")
    duration = _text("Duration", "1m30s")
    workers = _text("Workers", "as many as needed")
    on_worker_loss = forms.ChoiceField(
        label="When a worker is lost", required=False, choices=_POLICIES, widget=UnfoldAdminSelectWidget()
    )
    sliced = forms.BooleanField(
        label="In slices", required=False, widget=UnfoldBooleanWidget(),
        help_text="Lambda, beyond 14 minutes: workers follow each other.",
    )  # fmt: skip
    elastic = forms.BooleanField(
        label="Elastic", required=False, widget=UnfoldBooleanWidget(),
        help_text="Fargate: a pool makes the load, and its parts move to workers that join.",
    )  # fmt: skip
    stages = _lines("or stages, one a line", "10s:50\n1m:50")
    thresholds = _lines("Thresholds, one a line", "http_req_duration=p(95)<300")
    parameters = _lines("Parameters, one a line", "LANGUAGE=de")
    note = _text("Note", "Why this run")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenario, self.version = self.subject()
        latest = self.scenario.latest()
        self.script_facts = facts_of(latest) if latest else None
        self.wanted: LoadTestRequest | None = None
        names = list(Environment.objects.values_list("name", flat=True))
        self.fields["environment"].choices = [(name, name) for name in names]
        length = self.script_facts.load.length if self.script_facts else None
        possible = backends_for(self.scenario.engine, None, parts())
        self.fields["backend"].choices = [(name, name) for name in possible]
        self.initial |= {
            "environment": "local" if "local" in names else None,
            "backend": next(iter(backends_for(self.scenario.engine, length, parts())), None),
            **self.start_values(),
        }

    def subject(self) -> tuple[Scenario, int | None]:
        """The scenario, and the version where it must not be the newest."""
        return get_object_or_404(Scenario, pk=self.object_id), None

    def start_values(self) -> dict[str, Any]:
        return {}

    def facts(self) -> dict[str, Any]:
        load = load_in_words(self.script_facts.load) if self.script_facts else ""
        name = self.scenario.name
        return {"about": f"{name}: without a load of its own the run is {load}." if load else name}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.say(self._read(cleaned))
        return cleaned

    def say(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            field = problem.field if problem.field in self.fields else None
            where = "" if field else f"{problem.field}: "
            self.add_error(field, f"{where}{problem.message} {problem.hint}".strip())

    def _read(self, cleaned: dict[str, Any]) -> tuple[Problem, ...]:
        problems: list[Problem] = []
        body: dict[str, object] = {name: cleaned[name] for name in _PLAIN if cleaned.get(name)}
        body |= {
            "scenario": self.scenario.name,
            "version": self.version,
            "stages": _words(cleaned["stages"]),
            "parameters": read_pairs(_words(cleaned["parameters"]), "parameters", problems),
            "thresholds": read_thresholds(_words(cleaned["thresholds"]), "thresholds", problems),
        }
        try:
            self.wanted = parse_request(body, backend=cleaned["backend"])
        except RequestRejected as error:
            problems += error.problems
        return tuple(problems)


class StopForm(DialogForm):
    hard = forms.BooleanField(
        label="Stop hard",
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text="Ends the engines at once, without their teardown.",
    )


RUN_DIALOG: Any = {
    "title": "Run this scenario",
    "description": "Numbers are totals over all workers.",
    "form_class": RunForm,
    "form_submit_text": "Start run",
}


class BaselineForm(DialogForm):
    """Nothing to fill in: a question."""


BASELINE_DIALOG: Any = {
    "title": "Accept this run as the baseline?",
    "description": "Later runs of its scenario, environment and backend are compared with it. It replaces the one before.",
    "form_class": BaselineForm,
    "form_submit_text": "Accept",
}
STOP_DIALOG: Any = {
    "title": "Stop this run?",
    "description": "Workers finish what they are doing; everything measured is kept.",
    "form_class": StopForm,
    "form_submit_text": "Stop run",
}


def start(request: HttpRequest, form: RunForm, dialog: Any) -> HttpResponse:
    """Starts what the valid form asks for and goes to the run's page; a refusal is shown in the dialog."""
    assert form.wanted is not None, "A valid form has a request."
    try:
        run = request_run(form.wanted, parts(), by=actor_of(request))
    except RequestRejected as error:
        form.say(error.problems)
    except PortalError as error:
        form.add_error(None, f"{error.message} {error.hint}".strip())
    else:
        return go_to(reverse("admin:portal_run_change", args=(run.id,)))
    context = {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}
    return render(request, "unfold/helpers/dialog.html", context)


def go_to(url: str) -> HttpResponse:
    """Sends the page that shows the dialog to another address."""
    return HttpResponse(headers={"HX-Redirect": url})


def _words(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]

"""Runs: a list to find them again, and a page per run with its verdict, numbers, charts and workers. Read-only."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from portal.admin.actor import actor_of
from portal.admin.again_form import AGAIN_DIALOG, AgainForm
from portal.admin.brakes import APPROVE_DIALOG, SWITCH_DIALOG, ApproveForm, SwitchForm, approve, flip, said_of
from portal.admin.comparison import compare_page
from portal.admin.run_dialog import BASELINE_DIALOG, STOP_DIALOG, BaselineForm, StopForm, go_to, start
from portal.admin.run_live import LIVE, answer
from portal.admin.version import ReadOnly
from portal.admin.worker_log import worker_log
from portal.core.access import Action, Decision
from portal.core.errors import NotFound, PortalError
from portal.core.run_state import ALIVE, RunState
from portal.core.verdict import Outcome
from portal.core.words import milliseconds, number, per_cent
from portal.models import KillSwitch, Run
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.chart_run import drawn
from portal.usecases.present_run import STATE_KINDS, TRUST_KINDS, VERDICT_KINDS, p95_ms, page_context, points_of, standing
from portal.usecases.read_run import find_run, plan_of, result_of
from portal.usecases.stop_run import stop_run
from portal.usecases.write_report import TYPES, write_report
from portal.wiring import parts


@admin.register(Run)
class RunAdmin(ReadOnly, ModelAdmin):
    list_display = ("id", "scenario", "where", "outcome", "colored_trust", "requests", "p95", "failed", "asked_for")
    list_filter = ("state", "verdict", "trust", "backend", "environment", "version__scenario__engine", "version__scenario")
    list_filter_submit = False
    search_fields = ("id", "version__scenario__name", "note", "requested_by", "message")
    list_select_related = ("version__scenario", "environment", "result")
    date_hierarchy = "created"
    actions = None
    actions_detail = ("approve", "again", "compare", "baseline", "stop")
    actions_list = ("kill_switch",)
    list_before_template = "portal/run_list_head.html"
    when_empty = "Open a scenario and press Run now."
    change_form_outer_before_template = "portal/run_page.html"

    @admin.display(description="Scenario", ordering="version__scenario__name")
    def scenario(self, row: Run) -> str:
        return str(row.version)

    @admin.display(description="Asked for (UTC)", ordering="created")
    def asked_for(self, row: Run) -> str:
        return f"{row.created:%d %b %Y, %H:%M}"

    @admin.display(description="Where", ordering="environment__name")
    def where(self, row: Run) -> str:
        return f"{row.environment}, {row.get_backend_display()}"

    @display(description="State", ordering="verdict", label={**VERDICT_KINDS, **STATE_KINDS})
    def outcome(self, row: Run) -> str:
        return standing(row)

    @display(description="Data", ordering="trust", label=TRUST_KINDS)
    def colored_trust(self, row: Run) -> str:
        return row.trust

    @admin.display(description="Requests")
    def requests(self, row: Run) -> str:
        return number(_number(row, "requests"))

    @admin.display(description="p95")
    def p95(self, row: Run) -> str:
        return milliseconds(p95_ms(row))

    @admin.display(description="Failed")
    def failed(self, row: Run) -> str:
        return per_cent(_number(row, "failed"), _number(row, "requests"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).defer("plan", "result__timeline")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        switch = KillSwitch.objects.first()
        return super().changelist_view(request, {**(extra_context or {}), "kill_switch": said_of(switch) if switch else ""})

    def get_fieldsets(self, request: HttpRequest, obj: Run | None = None) -> list[Any]:
        # The page above the form says it all.
        return []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.live_view, cacheable=True)  # It says itself what may be kept.
        live = path("<str:object_id>/live", view, name="portal_run_live")
        log = self.admin_site.admin_view(self.log_view, cacheable=True)
        logs = path("<str:object_id>/log", log, name="portal_run_log")
        report = self.admin_site.admin_view(self.report_view, cacheable=True)
        reports = path("<str:object_id>/report.<str:ending>", report, name="portal_run_report")
        return [live, logs, reports, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = self._page(request, object_id)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "page": page, "show_history": False})

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For the page's script: what is new."""
        actor = actor_of(request)
        if not self.has_view_permission(request) or not Run.objects.seen_by(actor).filter(pk=object_id).exists():
            raise Http404
        return answer(request, LIVE.of(object_id, parts(), by=actor), parts())

    def log_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """`?slot=3&epoch=1`: what that worker said, as text."""
        if not self.has_view_permission(request):
            raise Http404
        try:
            return worker_log(request, find_run(object_id, by=actor_of(request)), parts())
        except NotFound as error:
            raise Http404 from error

    def report_view(self, request: HttpRequest, object_id: str, ending: str) -> HttpResponse:
        """The run as a file, for who is logged in; CI systems ask the API for the same."""
        if not self.has_view_permission(request) or ending not in TYPES:
            raise Http404
        try:
            report = write_report(find_run(object_id, by=actor_of(request)), ending, public_url=parts().public_url)
        except NotFound as error:
            raise Http404 from error
        return HttpResponse(report.content, headers=dict(report.headers))

    def _page(self, request: HttpRequest, object_id: str) -> dict[str, Any] | None:
        try:
            run = find_run(object_id, by=actor_of(request))
        except NotFound:
            return None
        charts = drawn(*points_of(run, parts().store), plan_of(run))
        return {**page_context(run), "charts": charts, "live_url": reverse("admin:portal_run_live", args=(run.id,))}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """What fits the run: only one that is alive can be stopped, only one with a judgement be the measure of others."""
        found = super().get_actions_detail(request, object_id)
        row = Run.objects.filter(pk=object_id).values_list("state", "verdict", "result").first()
        state, verdict, result = row or ("", "", None)
        shown = {
            "_approve": state == RunState.AWAITING_APPROVAL,
            "_stop": state in ALIVE,
            "_baseline": verdict in (Outcome.PASSED, Outcome.FAILED),
            "_compare": state == RunState.ENDED and result is not None,
        }
        return [item for item in found if all(is_so or not item.action_name.endswith(name) for name, is_so in shown.items())]

    def has_approve_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("portal.approve_run")

    def has_kill_switch_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("portal.stop_run")

    @action(
        description="Approve", url_path="approve", icon="verified", permissions=["approve"], variant=ActionVariant.PRIMARY,
        dialog=APPROVE_DIALOG,
    )  # fmt: skip
    def approve(self, request: HttpRequest, form: ApproveForm, object_id: str) -> HttpResponse:
        return approve(request, form, object_id)

    @action(
        description="Kill switch", url_path="kill-switch", icon="emergency_home", permissions=["kill_switch"],
        variant=ActionVariant.DANGER, dialog=SWITCH_DIALOG,
    )  # fmt: skip
    def kill_switch(self, request: HttpRequest, form: SwitchForm) -> HttpResponse:
        return flip(request, form)

    def has_again_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("portal.add_run")

    def has_accept_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return actor_of(request).decide(Action.AUTHOR) is Decision.ALLOWED

    def has_stop_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("portal.stop_run")

    @action(description="Run again", url_path="again", icon="replay", permissions=["again"], dialog=AGAIN_DIALOG)
    def again(self, request: HttpRequest, form: AgainForm, object_id: str) -> HttpResponse:
        return start(request, form, AGAIN_DIALOG)

    @action(description="Compare", url_path="compare", icon="compare_arrows", permissions=["view"])
    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return compare_page(request, object_id)

    @action(description="Accept as baseline", url_path="baseline", icon="flag", permissions=["accept"], dialog=BASELINE_DIALOG)
    def baseline(self, request: HttpRequest, form: BaselineForm, object_id: str) -> HttpResponse:
        try:
            accept_baseline(object_id, actor_of(request))
        except NotFound as error:
            raise Http404 from error
        except PortalError as error:
            messages.error(request, f"{error.message} {error.hint}".strip())
        else:
            messages.success(request, "Later runs of this scenario here are compared with this one.")
        return go_to(reverse("admin:portal_run_change", args=(object_id,)))

    @action(
        description="Stop", url_path="stop", icon="stop_circle", permissions=["stop"], variant=ActionVariant.DANGER,
        dialog=STOP_DIALOG,
    )  # fmt: skip
    def stop(self, request: HttpRequest, form: StopForm, object_id: str) -> HttpResponse:
        try:
            stop_run(object_id, parts(), hard=form.cleaned_data["hard"], by=actor_of(request))
        except NotFound as error:
            raise Http404 from error
        return go_to(reverse("admin:portal_run_change", args=(object_id,)))


def _number(row: Run, name: str) -> float | None:
    """The final number, or the newest of a run that goes on."""
    result = result_of(row)
    found: float | None = (result.summary if result else row.progress).get(name)
    return found

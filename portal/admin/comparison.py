"""Two runs side by side: the page, and the choice of the other run above it."""

from __future__ import annotations

from typing import Any  # Any: template context

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.admin.actor import actor_of
from portal.core.access import Actor
from portal.core.errors import Conflict, NotFound
from portal.models import Run
from portal.usecases.present_comparison import comparable_runs, present_comparison, usual_choice
from portal.usecases.read_run import find_run


def compare_page(request: HttpRequest, run_id: str) -> HttpResponse:
    """`?other=`: the run before; without it the baseline, else the newest run before this one."""
    actor = actor_of(request)
    try:
        run = find_run(run_id, by=actor)
    except NotFound as error:
        raise Http404(error.message) from error
    others = comparable_runs(run, by=actor)
    chosen = request.GET.get("other") or usual_choice(run, others)
    context = {
        **admin.site.each_context(request),
        "title": f"{run.version} on {run.environment}, compared",
        "opts": Run._meta,
        "original": run,
        "run": run,
        "others": others,
        "chosen": chosen,
        **_found(run.id, chosen, actor),
    }
    return render(request, "portal/compare_page.html", context)


def _found(run_id: str, other_id: str, by: Actor) -> dict[str, Any]:
    if not other_id:
        return {"refusal": "There is no other run of this scenario with a result yet."}
    try:
        page = present_comparison(run_id, other_id, by=by)
    except (NotFound, Conflict) as error:
        return {"refusal": f"{error.message} {error.hint}".strip()}
    return {"page": page, "sides": (("Before", page["before"]), ("Now", page["now"]))}

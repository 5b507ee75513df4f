"""The admin's first page: runs before models."""

from __future__ import annotations

from typing import Any  # Any: Django's own template context

from django.contrib import admin
from django.http import HttpRequest

from portal.admin.actor import actor_of
from portal.admin.brakes import said_of
from portal.models import KillSwitch
from portal.usecases.present_start import present_start

admin.site.index_title = "Load tests"


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold asks for it when it shows the index; whoever may not see runs gets the list of models alone."""
    if not request.user.has_perm("portal.view_run"):
        return context
    switch = KillSwitch.objects.first()
    start = {
        **present_start(actor_of(request)),
        "switch": said_of(switch) if switch else "",
        "may_run": request.user.has_perm("portal.add_run"),
        "may_write": request.user.has_perm("portal.add_scenario"),
    }
    return {**context, "start": start}

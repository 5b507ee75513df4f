"""A run as one HTML file that needs nothing else: its style and charts are inside, nothing is fetched, and it prints well."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from portal.models import Run
from portal.usecases.chart_run import drawn
from portal.usecases.present_run import page_context, points_of
from portal.usecases.read_run import links, plan_of

STYLE = Path(__file__).parent.parent / "static/portal/report.css"


def write_html_report(run: Run, *, public_url: str = "") -> str:
    page = {**page_context(run), "charts": drawn(*points_of(run), plan_of(run))}
    context = {"page": page, "run": run, "url": links(run.id, public_url)["page"], "style": _style()}
    return render_to_string("portal/report.html", context)


@cache
def _style() -> str:
    # Our own file; nothing of a run gets into it.
    return mark_safe(STYLE.read_text())

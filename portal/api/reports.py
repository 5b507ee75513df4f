"""GET /load-tests/{id}/report.{json,csv,html,xml}: a run to keep, to print, or for a CI system to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from portal.api.query import Query
from portal.api.resource import Resource
from portal.api.visible import visible_run
from portal.models import Run
from portal.usecases.read_run import plan_of, results_of
from portal.usecases.write_csv_report import TABLES, write_csv_report
from portal.usecases.write_html_report import write_html_report
from portal.usecases.write_junit_report import write_junit_report
from portal.wiring import parts

CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
TYPES = {
    "json": "application/json", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8", "xml": "application/xml",
}  # fmt: skip


class AsNamed(BaseContentNegotiation):
    """The ending of the address says the format: a browser's Accept must not turn it into 406. Errors are JSON."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


class Report(Resource):
    content_negotiation_class = AsNamed

    def get(self, request: Request, run_id: str, ending: str) -> HttpResponse:
        query = Query(request, ("table",) if ending == "csv" else ())
        table = query.choice("table", TABLES, TABLES[0])
        query.check()
        run = visible_run(request, run_id)
        content = write_csv_report(_results(run), table) if ending == "csv" else _WRITERS[ending](run)
        answer = HttpResponse(content, content_type=TYPES[ending])
        answer["Content-Disposition"] = (
            f'{"inline" if ending in ("html", "json") else "attachment"}; filename="{run.id}.{ending}"'
        )
        answer["Cache-Control"] = "no-cache"
        answer["X-Content-Type-Options"] = "nosniff"
        if ending == "html":
            answer["Content-Security-Policy"] = CSP
        return answer


def _results(run: Run) -> dict[str, object]:
    return results_of(run, public_url=parts().public_url)


def _xml(run: Run) -> bytes:
    plan = plan_of(run)
    return write_junit_report(_results(run), script_digest=plan.script_digest if plan else "")


_WRITERS: dict[str, Callable[[Run], str | bytes]] = {
    "json": lambda run: json.dumps(_results(run), indent=1),
    "html": lambda run: write_html_report(run, public_url=parts().public_url),
    "xml": _xml,
}

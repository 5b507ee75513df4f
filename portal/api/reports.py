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
from portal.api.schema import runs as shapes
from portal.api.schema.operation import TEXT, operation, parameter
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


class _Report(Resource):
    content_negotiation_class = AsNamed

    def written(self, request: Request, run_id: str, ending: str, content: Callable[[Run], str | bytes]) -> HttpResponse:
        run = visible_run(request, run_id)
        answer = HttpResponse(content(run), content_type=TYPES[ending])
        way = "inline" if ending in ("html", "json") else "attachment"
        answer["Content-Disposition"] = f'{way}; filename="{run.id}.{ending}"'
        answer["Cache-Control"] = "no-cache"
        answer["X-Content-Type-Options"] = "nosniff"
        if ending == "html":
            answer["Content-Security-Policy"] = CSP
        return answer


class JsonReport(_Report):
    """The results."""

    @operation("Report as JSON", {200: shapes.Results}, tag="reports", errors=(404,), name="report_json")
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "json", lambda run: json.dumps(_results(run), indent=1))


class CsvReport(_Report):
    """One table of four."""

    @operation(
        "Report as CSV", {(200, "text/csv"): TEXT}, tag="reports", errors=(400, 404), name="report_csv",
        query=(parameter("table", "Which table; requests where it is left out.", choices=TABLES),),
    )  # fmt: skip
    def get(self, request: Request, run_id: str) -> HttpResponse:
        query = Query(request, ("table",))
        table = query.choice("table", TABLES, TABLES[0])
        query.check()
        return self.written(request, run_id, "csv", lambda run: write_csv_report(_results(run), table))


class HtmlReport(_Report):
    """One file with everything inside."""

    @operation("Report as HTML", {(200, "text/html"): TEXT}, tag="reports", errors=(404,), name="report_html",
               text="One file that fetches nothing and prints well.")  # fmt: skip
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "html", lambda run: write_html_report(run, public_url=parts().public_url))


class XmlReport(_Report):
    """JUnit."""

    @operation("Report as JUnit XML", {(200, "application/xml"): TEXT}, tag="reports", errors=(404,), name="report_junit",
               text="A case for whether the run is valid, and one for each threshold; never empty.")  # fmt: skip
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "xml", _xml)


def _results(run: Run) -> dict[str, object]:
    return results_of(run, public_url=parts().public_url)


def _xml(run: Run) -> bytes:
    plan = plan_of(run)
    return write_junit_report(_results(run), script_digest=plan.script_digest if plan else "")

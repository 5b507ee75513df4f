"""GET /load-tests/{id}/report.{json,csv,html,xml}: a run to keep, to print, or for a CI system to read."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from portal.api.query import Query
from portal.api.resource import Resource
from portal.api.schema import runs as shapes
from portal.api.schema.operation import TEXT, operation, parameter
from portal.api.visible import visible_run
from portal.usecases.write_csv_report import TABLES
from portal.usecases.write_report import write_report
from portal.wiring import parts


class AsNamed(BaseContentNegotiation):
    """The ending of the address says the format: a browser's Accept must not turn it into 406. Errors are JSON."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


class _Report(Resource):
    content_negotiation_class = AsNamed

    def written(self, request: Request, run_id: str, ending: str, table: str = TABLES[0]) -> HttpResponse:
        report = write_report(visible_run(request, run_id), ending, public_url=parts().public_url, table=table)
        return HttpResponse(report.content, headers=dict(report.headers))


class JsonReport(_Report):
    """The results."""

    @operation("Report as JSON", {200: shapes.Results}, tag="reports", errors=(404,), name="report_json")
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "json")


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
        return self.written(request, run_id, "csv", table)


class HtmlReport(_Report):
    """One file with everything inside."""

    @operation("Report as HTML", {(200, "text/html"): TEXT}, tag="reports", errors=(404,), name="report_html",
               text="One file that fetches nothing and prints well.")  # fmt: skip
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "html")


class XmlReport(_Report):
    """JUnit."""

    @operation("Report as JUnit XML", {(200, "application/xml"): TEXT}, tag="reports", errors=(404,), name="report_junit",
               text="A case for whether the run is valid, and one for each threshold; never empty.")  # fmt: skip
    def get(self, request: Request, run_id: str) -> HttpResponse:
        return self.written(request, run_id, "xml")

"""The resource `load-tests`, read: lists of runs, one run, where it stands, what it measured, what happened to it."""

from __future__ import annotations

from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.query import MOST_ROWS, ROWS, Query
from portal.api.resource import Resource, tagged
from portal.api.schema import runs as shapes
from portal.api.schema.operation import UNCHANGED, etag, operation
from portal.api.schema.queries import QUERY_PARAMETERS
from portal.api.visible import visible_run, visible_runs
from portal.core.run_state import RunState
from portal.core.verdict import Outcome
from portal.models.run import BackendName
from portal.usecases.list_runs import ORDERS, RunFilter, list_runs
from portal.usecases.read_run import detail_of, results_of, status_of
from portal.wiring import parts

FILTERS = ("scenario", "environment", "backend", "state", "verdict", "tag", "requested_by", "since", "until", "search")


class Runs(Resource):
    """GET /load-tests: the newest runs first; `next` is the address of the following page."""

    @operation("List runs", {200: shapes.RunPage}, tag="runs", errors=(400,), query=QUERY_PARAMETERS, name="list_runs")
    def get(self, request: Request) -> Response:
        query = Query(request, (*FILTERS, "order", "cursor", "limit"))
        wanted = _filter(query)
        order = query.choice("order", ORDERS, ORDERS[0])
        limit = query.number("limit", least=1, most=MOST_ROWS, default=ROWS)
        cursor = query.text("cursor")
        query.check()
        page = list_runs(visible_runs(request), wanted, order=order, cursor=cursor, limit=limit)
        return Response({"runs": page.rows, "cursor": page.cursor or None, "next": next_page(request, page.cursor)})


class Detail(Resource):
    """GET /load-tests/{id}: a run with its plan and the headline of its numbers."""

    @operation("Show a run", {200: shapes.Detail, **UNCHANGED}, tag="runs", errors=(404,), query=etag(), name="show_run")
    def get(self, request: Request, run_id: str) -> Response:
        return tagged(request, detail_of(visible_run(request, run_id), public_url=parts().public_url))


class Status(Resource):
    """GET /load-tests/{id}/status: cheap to poll; with If-None-Match it answers 304 while nothing has changed."""

    @operation("Status of a run", {200: shapes.Status, **UNCHANGED}, tag="runs", errors=(404,), query=etag(), name="run_status")
    def get(self, request: Request, run_id: str) -> Response:
        return tagged(request, status_of(visible_run(request, run_id), public_url=parts().public_url))


class Results(Resource):
    """GET /load-tests/{id}/results: for a run that goes on, what is known so far, marked as partial."""

    @operation("Results of a run", {200: shapes.Results}, tag="runs", errors=(404,), name="run_results")
    def get(self, request: Request, run_id: str) -> Response:
        run = visible_run(request, run_id)
        return Response(results_of(run, public_url=parts().public_url), headers={"Cache-Control": "no-cache"})


def next_page(request: Request, cursor: str) -> str | None:
    """The same address with the cursor of the following page; None behind the last one."""
    if not cursor:
        return None
    asked = [(name, word) for name, words in request.query_params.lists() if name != "cursor" for word in words]
    return f"{parts().public_url}{request.path}?{urlencode([*asked, ('cursor', cursor)])}"


def _filter(query: Query) -> RunFilter:
    return RunFilter(
        scenario=query.text("scenario"), environment=query.text("environment"),
        backend=query.choice("backend", ("", *BackendName.values), ""), state=query.choices("state", [*RunState]),
        verdict=query.choices("verdict", [*Outcome]), requested_by=query.text("requested_by"), tags=query.tags("tag"),
        since=query.moment("since"), until=query.moment("until"), search=query.text("search"),
    )  # fmt: skip

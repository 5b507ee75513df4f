"""The ways into a run: what can be started, whether it would, what it would cost, and the start itself."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.resource import LONGEST_KEY, Resource, body_of, idempotency_key
from portal.api.schema import starting as shapes
from portal.api.schema.operation import BODY, HEADER, operation, parameter
from portal.core.access import Action
from portal.core.errors import NotFound, RequestRejected
from portal.core.request import LoadTestRequest, parse_request
from portal.models import Run
from portal.models.run import BackendName
from portal.usecases.estimate_run import estimate_run, validate_run
from portal.usecases.list_templates import list_templates
from portal.usecases.read_run import links
from portal.usecases.request_run import request_run
from portal.wiring import parts

POLL_SECONDS = "2"
EXAMPLE = {"scenario": "product", "environment": "local", "vus": 4, "duration": "10s", "tags": {"team": "shop"}}


class Start(Resource):
    """POST /load-tests/{backend}/start: queues the run and answers at once."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.RUN}

    @operation(
        "Start a run", {202: shapes.Started}, tag="runs", errors=(*BODY, 404, 409, 503), body=shapes.StartBody, name="start_run",
        example=EXAMPLE, text="Answers at once; Location is where to follow the run, Retry-After when to look first.",
        query=(parameter("Idempotency-Key", "The same key and body start one run, however often they are sent; the same key "
                         "with another body is 409.", where=HEADER, most=LONGEST_KEY),
               OpenApiParameter("backend", str, OpenApiParameter.PATH, enum=BackendName.values)),
    )  # fmt: skip
    def post(self, request: Request, backend: str) -> Response:
        wired = parts()
        if backend not in wired.limits:
            raise NotFound(f"There is no backend {backend[:60]!r}.", hint="Backends are " + ", ".join(wired.limits) + ".")
        wanted = parse_request(body_of(request), backend=backend, idempotency_key=idempotency_key(request))
        run = request_run(wanted, wired, by=actor_of(request))
        return _started(run, wired.public_url)


class Validate(Resource):
    """POST /load-tests/validate: everything a start would check, and what would run. A refusal is the start's own."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.READ}

    @operation(
        "Check a start", {200: shapes.Valid}, tag="runs", errors=(*BODY, 503), body=shapes.PlannedBody, name="validate_run",
        example={"backend": "lambda", **EXAMPLE}, text="Refuses what a start would refuse, in the same words. Nothing starts.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return Response(validate_run(_wanted(request), parts(), by=actor_of(request)))


class Estimate(Resource):
    """POST /load-tests/estimate: workers, length, cost and quotas. Nothing starts."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.READ}

    @operation(
        "Price a start", {200: shapes.Estimated}, tag="runs", errors=(*BODY, 503), body=shapes.PlannedBody, name="estimate_run",
        example={"backend": "lambda", **EXAMPLE}, text="Workers, VU-hours, cost with the day of its prices, quotas touched.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return Response(estimate_run(_wanted(request), parts(), by=actor_of(request)))


class Templates(Resource):
    """GET /load-tests/templates: what can be started, with an example body for each."""

    @operation("What can be started", {200: shapes.Templates}, tag="runs", name="list_templates")
    def get(self, request: Request) -> Response:
        return Response(list_templates(parts(), by=actor_of(request)))


def _wanted(request: Request) -> LoadTestRequest:
    """A start body with the backend in it, which a start has in its path."""
    body, backends = body_of(request), parts().limits
    backend = body.pop("backend", None)
    if not isinstance(backend, str) or backend not in backends:
        raise RequestRejected.because("backend", "Name the backend it would run on.", "Backends are " + ", ".join(backends) + ".")
    return parse_request(body, backend=backend)


def _started(run: Run, public_url: str) -> Response:
    urls, plan = links(run.id, public_url), run.load_plan()
    body = {
        "id": run.id,
        "state": run.state,
        "status_url": urls["status"],
        "results_url": urls["results"],
        "stop_url": urls["stop"],
        "page_url": urls["page"],
        "workers": plan.workers,
        "duration_seconds": plan.duration.total_seconds(),
        "warnings": list(plan.warnings),
    }
    return Response(body, status=HTTPStatus.ACCEPTED, headers={"Location": urls["status"], "Retry-After": POLL_SECONDS})

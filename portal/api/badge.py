"""GET /badge/{scenario}.svg: for a README. Without a token only for scenarios marked public; others are not there."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.api.permissions import may_do
from portal.api.query import LONGEST, Query
from portal.api.reports import AsNamed
from portal.api.resource import Resource
from portal.api.schema.operation import TEXT, UNCHANGED, etag, operation, parameter
from portal.api.visible import visible_runs
from portal.core.access import Action, Actor
from portal.core.errors import NotFound
from portal.models import Run
from portal.usecases.read_scenarios import find_scenario
from portal.usecases.write_badge import last_run, write_badge

FRESH_SECONDS = 60


class Badge(Resource):
    permission_classes: tuple[type[BasePermission], ...] = ()
    content_negotiation_class = AsNamed

    @operation(
        "Last verdict and p95 as a picture", {(200, "image/svg+xml"): TEXT, **UNCHANGED}, tag="portal", errors=(400, 404),
        name="badge", optional=True, query=(parameter("environment", "Runs of this environment only.", most=LONGEST), *etag()),
        text="Without a token for scenarios marked public; for others there is no badge.",
    )  # fmt: skip
    def get(self, request: Request, name: str) -> HttpResponse:
        query = Query(request, ("environment",))
        environment = query.text("environment")
        query.check()
        scenario = find_scenario(name)
        if isinstance(request.auth, Actor):
            may_do(request, Action.READ)
            runs, shared = visible_runs(request), "private"
        elif scenario.public:
            runs, shared = Run.objects.all(), "public"
        else:
            # The words of find_scenario: whoever guesses names learns nothing.
            raise NotFound(f"There is no scenario {name[:60]!r}.", hint="GET /scenarios lists them.")
        return _cached(request, write_badge(scenario.name, last_run(scenario.name, environment, runs)), shared)


def _cached(request: Request, picture: str, shared: str) -> HttpResponse:
    tag = f'"{hashlib.sha256(picture.encode()).hexdigest()[:32]}"'
    known = {word.strip().removeprefix("W/") for word in request.headers.get("If-None-Match", "").split(",")}
    answer = HttpResponse(status=HTTPStatus.NOT_MODIFIED) if tag in known else HttpResponse(picture, content_type="image/svg+xml")
    answer["ETag"] = tag
    answer["Cache-Control"] = f"{shared}, max-age={FRESH_SECONDS}"
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer

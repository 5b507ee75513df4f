"""Environments: where load goes and what is allowed there. Whoever changes them must be an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.load_tests import next_page
from portal.api.query import MOST_ROWS, ROWS, Query
from portal.api.resource import Resource, body_of, no_body
from portal.api.schema import things as shapes
from portal.api.schema.operation import BODY, operation
from portal.api.schema.queries import PAGE_PARAMETERS
from portal.core.access import Action
from portal.core.drafts import parse_environment
from portal.models.environment import Place
from portal.usecases.check_connection import check_connection
from portal.usecases.read_scenarios import environment_row, find_environment, list_environments
from portal.usecases.save_environment import create_environment, replace_environment
from portal.wiring import parts

EXAMPLE = {"targets": {"product": "https://staging.example"}, "most_vus": 50}


class Environments(Resource):
    """GET /environments lists by name those the caller may see; POST makes one."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.ADMIN}

    @operation(
        "List environments", {200: shapes.EnvironmentPage}, tag="environments", errors=(400,), query=PAGE_PARAMETERS,
        name="list_environments",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = Query(request, ("cursor", "limit"))
        after, limit = query.text("cursor"), query.number("limit", least=1, most=MOST_ROWS, default=ROWS)
        query.check()
        rows, cursor = list_environments(after=after, limit=limit, by=actor_of(request))
        return Response({"environments": rows, "cursor": cursor or None, "next": next_page(request, cursor)})

    @operation(
        "Make an environment", {201: shapes.EnvironmentRow}, tag="environments", errors=(*BODY, 409),
        body=shapes.EnvironmentBody, example={"name": "staging", **EXAMPLE}, name="make_environment",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        row = create_environment(parse_environment(body_of(request), places=_places()), by=actor_of(request))
        headers = {"Location": f"{parts().public_url}/environments/{row.name}"}
        return Response(environment_row(row), status=HTTPStatus.CREATED, headers=headers)


class Environment(Resource):
    """GET and PUT /environments/{name}; what a PUT leaves out is empty afterwards."""

    needs: ClassVar[Mapping[str, Action]] = {"PUT": Action.ADMIN}

    @operation("Show an environment", {200: shapes.EnvironmentRow}, tag="environments", errors=(404,), name="show_environment")
    def get(self, request: Request, name: str) -> Response:
        return Response(environment_row(find_environment(name, by=actor_of(request))))

    @operation(
        "Replace an environment", {200: shapes.EnvironmentRow}, tag="environments", errors=(*BODY, 404),
        body=shapes.EnvironmentChange, example=EXAMPLE, name="replace_environment",
    )  # fmt: skip
    def put(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        row = find_environment(name, by=actor)
        draft = parse_environment(body_of(request), places=_places(), name=row.name)
        return Response(environment_row(replace_environment(row, draft, by=actor)))


class Connection(Resource):
    """POST /environments/{name}/check asks its place whether it is as the environment says."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.ADMIN}

    @operation(
        "Test the connection to an environment", {200: shapes.Connection}, tag="environments", errors=(400, 404),
        name="check_environment",
    )  # fmt: skip
    def post(self, request: Request, name: str) -> Response:
        no_body(request)
        actor = actor_of(request)
        row = find_environment(name, by=actor)
        findings = check_connection(row, parts(), by=actor)
        said = [{"what": one.what, "fine": one.is_fine, "words": one.words} for one in findings]
        return Response({"environment": row.name, "fine": all(one.is_fine for one in findings), "findings": said})


def _places() -> tuple[str, ...]:
    return tuple(Place.values)

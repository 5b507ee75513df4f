"""Scenarios and their versions. A version never changes: posting a script makes the next one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.body import ScriptJSONParser
from portal.api.load_tests import next_page
from portal.api.query import MOST_ROWS, ROWS, Query
from portal.api.resource import Resource, body_of
from portal.api.schema import things as shapes
from portal.api.schema.operation import BODY, operation, parameter
from portal.api.schema.queries import PAGE_PARAMETERS
from portal.core.access import Action
from portal.core.drafts import VersionDraft, parse_shelf, parse_version
from portal.usecases.change_scenario import change_scenario
from portal.usecases.read_scenarios import (
    find_scenario,
    find_version,
    list_scenarios,
    list_versions,
    newest_number,
    scenario_row,
    version_detail,
)
from portal.usecases.save_scenario import save_scenario
from portal.wiring import parts

SAVED = {201: shapes.VersionDetail, 200: shapes.VersionDetail}


class Scenarios(Resource):
    """GET /scenarios lists by name; POST makes one with its first version."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.AUTHOR}
    parser_classes: list[type[BaseParser]] = [ScriptJSONParser]  # noqa: RUF012  (DRF's own convention)

    @operation(
        "List scenarios", {200: shapes.ScenarioPage}, tag="scenarios", errors=(400,), name="list_scenarios",
        query=(parameter("archived", "Also those on the shelf.", choices=("true", "false")), *PAGE_PARAMETERS),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = Query(request, ("archived", "cursor", "limit"))
        archived, after = query.flag("archived"), query.text("cursor")
        limit = query.number("limit", least=1, most=MOST_ROWS, default=ROWS)
        query.check()
        rows, cursor = list_scenarios(after=after, limit=limit, archived=archived)
        return Response({"scenarios": rows, "cursor": cursor or None, "next": next_page(request, cursor)})

    @operation(
        "Make a scenario", SAVED, tag="scenarios", errors=(*BODY, 503), body=shapes.ScenarioBody, name="make_scenario",
        example={"name": "hello", "engine": "k6", "script": "export default function () {}", "title": "Hello"},
        text="With its first version. The engine checks the script; what it does not take is answered in its own words.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return _saved(request, parse_version(body_of(request)))


class Scenario(Resource):
    """GET and PATCH /scenarios/{name}: what stands beside its script."""

    needs: ClassVar[Mapping[str, Action]] = {"PATCH": Action.AUTHOR}

    @operation("Show a scenario", {200: shapes.ScenarioRow}, tag="scenarios", errors=(404,), name="show_scenario")
    def get(self, request: Request, name: str) -> Response:
        return Response(scenario_row(find_scenario(name)))

    @operation(
        "Change what stands beside a script", {200: shapes.ScenarioRow}, tag="scenarios", errors=(*BODY, 404),
        body=shapes.ShelfBody, example={"title": "Product pages", "public": True}, name="change_scenario",
    )  # fmt: skip
    def patch(self, request: Request, name: str) -> Response:
        row = find_scenario(name)
        return Response(scenario_row(change_scenario(row, parse_shelf(body_of(request)), by=actor_of(request))))


class Versions(Resource):
    """GET /scenarios/{name}/versions, the newest first; POST makes the next one."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.AUTHOR}
    parser_classes: list[type[BaseParser]] = [ScriptJSONParser]  # noqa: RUF012

    @operation(
        "List versions", {200: shapes.VersionPage}, tag="scenarios", errors=(400, 404), name="list_versions",
        query=PAGE_PARAMETERS,
    )  # fmt: skip
    def get(self, request: Request, name: str) -> Response:
        query = Query(request, ("cursor", "limit"))
        before = query.number("cursor", least=0, most=999_999_999, default=0)
        limit = query.number("limit", least=1, most=MOST_ROWS, default=ROWS)
        query.check()
        rows, cursor = list_versions(find_scenario(name), before=before or None, limit=limit)
        return Response({"versions": rows, "cursor": cursor or None, "next": next_page(request, cursor)})

    @operation(
        "Make the next version", SAVED, tag="scenarios", errors=(*BODY, 404, 503), body=shapes.VersionBody, name="make_version",
        example={"script": "export default function () {}"}, text="200 where the newest version is this very script already.",
    )  # fmt: skip
    def post(self, request: Request, name: str) -> Response:
        row = find_scenario(name)
        return _saved(request, parse_version(body_of(request), name=row.name, engine=row.engine))


class Version(Resource):
    """GET /scenarios/{name}/versions/{n}: with its script and files."""

    @operation("Show a version", {200: shapes.VersionDetail}, tag="scenarios", errors=(404,), name="show_version")
    def get(self, request: Request, name: str, number: int) -> Response:
        return Response(version_detail(find_version(name, number)))


def _saved(request: Request, draft: VersionDraft) -> Response:
    """201 for a new version; 200 where the newest one is this very script already."""
    wired, before = parts(), newest_number(draft.name)
    version = save_scenario(
        draft.name, draft.source, parts=wired, by=actor_of(request), title=draft.title, description=draft.description
    )
    status = HTTPStatus.CREATED if version.number > before else HTTPStatus.OK
    address = f"{wired.public_url}/scenarios/{draft.name}/versions/{version.number}"
    return Response(version_detail(version), status=status, headers={"Location": address})

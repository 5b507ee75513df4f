"""Runs beside runs: accept one as the baseline of its kind, and compare two of the caller's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.resource import Resource, no_body
from portal.api.schema import things as shapes
from portal.api.schema.operation import operation
from portal.core.access import Action
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.compare_runs import compare_runs
from portal.usecases.read_run import moment


class AcceptBaseline(Resource):
    """POST /load-tests/{id}/baseline: later runs of its scenario, environment and backend are compared with it."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.AUTHOR}

    @operation("Accept a run as baseline", {200: shapes.Baseline}, tag="runs", errors=(400, 404, 409), name="accept_baseline")
    def post(self, request: Request, run_id: str) -> Response:
        no_body(request)
        accepted = accept_baseline(run_id, by=actor_of(request))
        return Response({
            "run": accepted.run_id, "scenario": accepted.scenario.name, "environment": accepted.environment.name,
            "backend": accepted.backend, "accepted_by": accepted.accepted_by, "accepted": moment(accepted.accepted),
        })  # fmt: skip


class Compare(Resource):
    """GET /load-tests/{id}/compare/{other}: what changed from the other run to this one, and whether that means anything."""

    @operation("Compare two runs", {200: shapes.Comparison}, tag="runs", errors=(404, 409), name="compare_runs")
    def get(self, request: Request, run_id: str, other: str) -> Response:
        return Response(compare_runs(run_id, other, by=actor_of(request)))

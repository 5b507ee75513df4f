"""The two brakes: a second person's approval of one run, and the kill switch for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar  # Any: JSON answers

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.resource import Resource, body_of, no_body
from portal.api.schema import guarding as shapes
from portal.api.schema.operation import BODY, operation
from portal.api.schema.runs import Status
from portal.api.visible import visible_run
from portal.core.access import Action
from portal.core.errors import Problem, RequestRejected
from portal.models import KillSwitch as Row
from portal.usecases.approve_run import approve_run
from portal.usecases.flip_kill_switch import lift_kill_switch, stop_everything
from portal.usecases.read_run import moment, status_of
from portal.wiring import parts

LONGEST_REASON = 500


class Approve(Resource):
    """POST /load-tests/{id}/approve: by somebody else than who asked for the run, for the plan they saw."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.APPROVE}

    @operation(
        "Approve a run", {200: Status}, tag="runs", errors=(*BODY, 404, 409), body=shapes.ApproveBody, name="approve_run",
        example={"digest": "5f" * 32},
        text="`digest` is the `plan_digest` that GET /load-tests/{id} tells of the run.",
    )  # fmt: skip
    def post(self, request: Request, run_id: str) -> Response:
        visible_run(request, run_id)
        data = body_of(request)
        problems = [Problem(name[:60], "There is no such field.", "The field is digest.") for name in data if name != "digest"]
        digest = data.get("digest")
        if problems or not isinstance(digest, str):
            raise RequestRejected(
                [*problems, Problem("digest", "Say which plan.", "GET /load-tests/{id} tells its plan_digest.")]
            )
        run = approve_run(run_id, digest, by=actor_of(request))
        return Response(status_of(run, public_url=parts().public_url))


class KillSwitch(Resource):
    """/kill-switch: POST stops everything and blocks new starts, DELETE lifts that."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.STOP, "DELETE": Action.ADMIN}

    @operation("See whether the kill switch is on", {200: shapes.Switch}, tag="operation", name="kill_switch")
    def get(self, request: Request) -> Response:
        return Response(_switch())

    @operation(
        "Stop everything", {202: shapes.Switched}, tag="operation", errors=BODY, body=shapes.SwitchBody, name="stop_everything",
        example={"reason": "The shop is down."},
        text="All runs are stopped hard, and none is started until DELETE lifts the switch. May be repeated.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        data = body_of(request)
        problems = [Problem(name[:60], "There is no such field.", "The field is reason.") for name in data if name != "reason"]
        reason = data.get("reason", "")
        if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
            problems.append(Problem("reason", f"This is a text of up to {LONGEST_REASON} characters."))
        if problems:
            raise RequestRejected(problems)
        stopping = stop_everything(parts(), by=actor_of(request), reason=str(reason))
        return Response({**_switch(), "stopping": stopping}, status=HTTPStatus.ACCEPTED)

    @operation("Lift the kill switch", {200: shapes.Switch}, tag="operation", name="lift_kill_switch")
    def delete(self, request: Request) -> Response:
        no_body(request)
        lift_kill_switch(by=actor_of(request))
        return Response(_switch())


def _switch() -> dict[str, Any]:
    row = Row.objects.first()
    return {"on": row is not None, "by": row.by if row else None, "at": moment(row.at) if row else None,
            "reason": row.reason if row else ""}  # fmt: skip

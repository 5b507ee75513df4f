"""The ways out of a run: one by its own address, or one, several or all of an environment by POST /load-tests/stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.auth import actor_of
from portal.api.resource import Resource, body_of
from portal.api.schema import runs as shapes
from portal.api.schema.operation import BODY, operation
from portal.api.visible import visible_runs
from portal.core.access import Action
from portal.core.errors import Problem, RequestRejected
from portal.usecases.read_run import status_of
from portal.usecases.stop_run import stop_run
from portal.usecases.stop_runs import alive_ids, stop_runs
from portal.wiring import parts

MOST = 1000
HINT = 'Send one of {"id": "..."}, {"ids": ["...", "..."]}, {"environment": "..."} or {"all": true}.'
STOP_ANSWER = PolymorphicProxySerializer("StopAnswer", [shapes.Status, shapes.Stopped], resource_type_field_name=None)
_NAMES = ("id", "ids", "environment", "all")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which runs to stop: exactly one of the first four says it."""

    run_id: str = ""
    ids: tuple[str, ...] = ()
    environment: str = ""
    everything: bool = False
    hard: bool = False


class Stop(Resource):
    """Asks runs to stop. Asking twice is fine; a run that has ended stays as it is."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.STOP}

    @operation(
        "Stop runs", {202: STOP_ANSWER}, tag="runs", errors=(*BODY, 404, 503), body=shapes.StopBody, name="stop_runs",
        example={"all": True}, text=HINT + " With `id` the answer is the run's status, else what came of each run.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        wish = read_wish(body_of(request))
        if wish.run_id:
            return _stopped(request, wish.run_id, hard=wish.hard)
        runs = visible_runs(request)
        ids = wish.ids or alive_ids(runs, wish.environment)
        said = stop_runs(ids, parts(), among=runs, hard=wish.hard, by=actor_of(request))
        rows = [{"id": item.run_id, "outcome": item.outcome, "state": item.state or None, "detail": item.detail} for item in said]
        return Response({"runs": rows}, status=HTTPStatus.ACCEPTED)


class StopOne(Resource):
    """POST /load-tests/{id}/stop, without a body or with {"hard": true}."""

    needs: ClassVar[Mapping[str, Action]] = {"POST": Action.STOP}

    @operation(
        "Stop a run", {202: shapes.Status}, tag="runs", errors=(*BODY, 404, 503), body=shapes.StopOneBody, name="stop_run",
        example={"hard": False}, text="May be repeated; a run that has ended stays as it is. What was measured is kept.",
    )  # fmt: skip
    def post(self, request: Request, run_id: str) -> Response:
        data = body_of(request)
        problems = [*_unknown(data, ("hard",)), *_flags(data, ("hard",))]
        if problems:
            raise RequestRejected(problems)
        return _stopped(request, run_id, hard=bool(data.get("hard")))


def read_wish(data: Mapping[str, object]) -> Wish:
    """Raises RequestRejected."""
    problems = [*_unknown(data, (*_NAMES, "hard")), *_flags(data, ("all", "hard"))]
    given = [name for name in _NAMES if data.get(name) not in (None, False)]
    run_id, ids, environment = data.get("id", ""), data.get("ids", []), data.get("environment", "")
    if not given:
        problems.append(Problem("id", "Name the run to stop.", HINT))
    elif len(given) > 1:
        problems.append(Problem(given[1], "Say in one way which runs are meant.", HINT))
    if "id" in given and not (isinstance(run_id, str) and run_id):
        problems.append(Problem("id", "Name the run to stop.", HINT))
    if "environment" in given and not (isinstance(environment, str) and 0 < len(environment) <= 100):
        problems.append(Problem("environment", "Name the environment whose runs to stop.", HINT))
    if "ids" in given and not _is_ids(ids):
        problems.append(Problem("ids", f"This is a list of 1 to {MOST} run ids.", HINT))
    if problems:
        raise RequestRejected(problems)
    found = tuple(map(str, ids)) if isinstance(ids, list) else ()
    return Wish(str(run_id or ""), found, str(environment or ""), data.get("all") is True, data.get("hard") is True)


def _is_ids(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST
        and all(isinstance(item, str) and 0 < len(item) <= 32 for item in value)
    )


def _unknown(data: Mapping[str, object], known: tuple[str, ...]) -> list[Problem]:
    hint = "Fields are " + ", ".join(known) + "."
    return [Problem(name[:60], "There is no such field.", hint) for name in data if name not in known]


def _flags(data: Mapping[str, object], names: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(name, "This is true or false.", "Leave it out for false.")
        for name in names
        if not isinstance(data.get(name, False), bool)
    ]


def _stopped(request: Request, run_id: str, *, hard: bool) -> Response:
    run = stop_run(run_id, parts(), hard=hard, by=actor_of(request))
    return Response(status_of(run, public_url=parts().public_url), status=HTTPStatus.ACCEPTED)

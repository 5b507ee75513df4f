"""The resource `load-tests`: start a run, see where it stands, read what it measured, stop it."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.body import BoundedJSONParser
from portal.core.errors import NotFound, Problem, RequestRejected
from portal.core.request import parse_request
from portal.models import Run
from portal.usecases.list_templates import list_templates
from portal.usecases.read_run import find_run, links, results_of, status_of
from portal.usecases.request_run import request_run
from portal.usecases.stop_run import stop_run
from portal.wiring import parts

LONGEST_KEY = 200
POLL_SECONDS = "2"


class _Resource(APIView):
    parser_classes: list[type[BaseParser]] = [BoundedJSONParser]  # noqa: RUF012  (DRF's own convention)


class Start(_Resource):
    """POST /load-tests/{backend}/start: queues the run and answers at once."""

    def post(self, request: Request, backend: str) -> Response:
        wired = parts()
        if backend not in wired.limits:
            raise NotFound(f"There is no backend {backend[:60]!r}.", hint="Backends are " + ", ".join(wired.limits) + ".")
        user = request.user.get_username()
        wanted = parse_request(_body(request), backend=backend, requested_by=user, idempotency_key=_key(request))
        run = request_run(wanted, wired)
        return _started(run, wired.public_url)


class Status(_Resource):
    """GET /load-tests/{id}/status: cheap to poll; with If-None-Match it answers 304 while nothing has changed."""

    def get(self, request: Request, run_id: str) -> Response:
        body = status_of(find_run(run_id), public_url=parts().public_url)
        tag = '"' + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32] + '"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        known = {word.strip().removeprefix("W/") for word in request.headers.get("If-None-Match", "").split(",")}
        if tag in known:
            return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, headers=headers)


class Results(_Resource):
    """GET /load-tests/{id}/results: for a run that goes on, what is known so far, marked as partial."""

    def get(self, request: Request, run_id: str) -> Response:
        return Response(results_of(find_run(run_id), public_url=parts().public_url), headers={"Cache-Control": "no-cache"})


class Stop(_Resource):
    """POST /load-tests/stop: asks a run to stop. Asking twice is fine; a run that has ended stays as it is."""

    def post(self, request: Request) -> Response:
        run_id, hard = _stop_body(_body(request))
        run = stop_run(run_id, parts(), hard=hard, by=request.user.get_username())
        return Response(status_of(run, public_url=parts().public_url), status=HTTPStatus.ACCEPTED)


class Templates(_Resource):
    """GET /load-tests/templates: what can be started, with an example body for each."""

    def get(self, request: Request) -> Response:
        return Response(list_templates(parts()))


class Nothing(_Resource):
    """Whatever else is asked for below /load-tests: a problem JSON instead of Django's page."""

    def _missing(self, request: Request, *args: object, **kwargs: object) -> Response:
        raise NotFound("There is nothing at this address.", hint="Paths have no slash at the end; see GET /load-tests/templates.")

    get = post = put = patch = delete = head = _missing


def _body(request: Request) -> dict[str, object]:
    """The JSON object sent; our parser lets nothing else through, but a request may come without any body."""
    return dict(request.data) if isinstance(request.data, dict) else {}


def _key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isascii() or (key and not key.isprintable()):
        raise RequestRejected.because("Idempotency-Key", f"The key has more than {LONGEST_KEY} or odd characters.", "Use a UUID.")
    return key


def _stop_body(data: dict[str, object]) -> tuple[str, bool]:
    run_id, hard = data.get("id"), data.get("hard", False)
    problems = [
        Problem(name, "There is no such field.", "Fields are id and hard.") for name in data if name not in ("id", "hard")
    ]
    if not isinstance(run_id, str) or not run_id:
        problems.append(Problem("id", "Name the run to stop.", 'Send {"id": "..."}.'))
    if not isinstance(hard, bool):
        problems.append(Problem("hard", "This is true or false.", "Leave it out to let the engines finish."))
    if problems or not isinstance(run_id, str):
        raise RequestRejected(problems)
    return run_id, bool(hard)


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

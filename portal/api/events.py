"""GET /load-tests/{id}/events: what happened since a cursor, by polling with ETag or by a short wait in the request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.query import Query
from portal.api.resource import Resource, tagged
from portal.api.schema import runs as shapes
from portal.api.schema.operation import UNCHANGED, etag, operation, parameter
from portal.api.visible import visible_run
from portal.models import Run
from portal.usecases.read_events import Cursor, Happened, read_events
from portal.wiring import parts

LONGEST_WAIT, LOOK_EVERY, POLL_SECONDS = 20, 0.5, 1
# A waiting request holds one of the web server's threads. A quarter of them may; who comes later is answered at once.
WAITERS = threading.BoundedSemaphore(4)


class Events(Resource):
    """With `wait`, the answer comes as soon as there is something to tell, and after that many seconds anyway."""

    @operation(
        "What happened to a run", {200: shapes.Events, **UNCHANGED}, tag="runs", errors=(400, 404, 503), name="run_events",
        query=(parameter("since", "`cursor` of the answer before; without it from the start.", most=30),
               parameter("wait", f"Seconds to wait for something to happen, up to {LONGEST_WAIT}.", kind=int, most=LONGEST_WAIT),
               *etag()),
        text="The cursor makes that nothing is missed and nothing comes twice. Few requests may wait at once; others are "
        "answered immediately and should ask again after `poll_after_seconds`.",
    )  # fmt: skip
    def get(self, request: Request, run_id: str) -> Response:
        query = Query(request, ("since", "wait"))
        since, wait = query.text("since"), query.number("wait", least=0, most=LONGEST_WAIT, default=0)
        query.check()
        run, happened = _wait(request, run_id, Cursor.read(since), wait)
        body = {
            "id": run.id, "state": run.state, "verdict": run.verdict or None, "events": happened.events,
            "cursor": str(happened.cursor), "over": happened.over, "poll_after_seconds": 0 if happened.over else POLL_SECONDS,
        }  # fmt: skip
        return tagged(request, body)


def _wait(request: Request, run_id: str, since: Cursor, seconds: int) -> tuple[Run, Happened]:
    clock = parts().clock
    run = visible_run(request, run_id)
    happened = read_events(run, since, parts())
    with _waiting(seconds) as may_wait:
        until = clock.now() + seconds
        while may_wait and not happened.events and not happened.over and clock.now() < until:
            clock.sleep(LOOK_EVERY)
            run = visible_run(request, run_id)
            happened = read_events(run, since, parts())
    return run, happened


@contextmanager
def _waiting(seconds: int) -> Iterator[bool]:
    taken = bool(seconds) and WAITERS.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            WAITERS.release()

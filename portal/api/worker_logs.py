"""GET /load-tests/{id}/workers/{slot}/log: what one worker said."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.query import Query
from portal.api.resource import Resource
from portal.api.schema import runs as shapes
from portal.api.schema.operation import operation, parameter
from portal.api.visible import visible_run
from portal.usecases.read_worker_log import MOST_LINES, USUAL_LINES, read_worker_log
from portal.wiring import parts

MOST_EPOCH = 1_000_000


class WorkerLog(Resource):
    """Of the slot's newest worker, or of a former one by its epoch."""

    @operation(
        "Log of a worker", {200: shapes.WorkerLog}, tag="runs", errors=(400, 404), name="worker_log",
        query=(parameter("lines", f"At most so many of each kind; {USUAL_LINES} where it is left out.", kind=int, least=1,
                         most=MOST_LINES),
               parameter("epoch", "Which of the workers that followed each other in the slot; the last.", kind=int, least=1,
                         most=MOST_EPOCH)),
        text="`lines` is what CloudWatch has, `engine` what k6 or Artillery wrote, equal lines once and with the values of "
        "secrets hidden; `log` says where to read on, and `note` what could not be read and why.",
    )  # fmt: skip
    def get(self, request: Request, run_id: str, slot: int) -> Response:
        query = Query(request, ("lines", "epoch"))
        most = query.number("lines", least=1, most=MOST_LINES, default=USUAL_LINES)
        epoch = query.number("epoch", least=1, most=MOST_EPOCH, default=0)
        query.check()
        found = read_worker_log(visible_run(request, run_id), slot, parts(), epoch=epoch, most=most)
        return Response(found, headers={"Cache-Control": "no-cache"})

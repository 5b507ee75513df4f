"""What a worker said: the last lines that CloudWatch has of it, and what its engine wrote, as the run's store keeps it.

What an engine prints (so also what a script prints) goes to the store only, with the values of secrets hidden; CloudWatch has
the lines of the agent and its platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any  # Any: JSON answers

from portal.core.aws_place import AwsPlace
from portal.core.errors import NotFound, PortalError, StoreUnavailable
from portal.core.log_lines import MOST_PIECES
from portal.core.worker_logs import LogLine, LogPlace, Span, is_said_by
from portal.models import Run, Worker
from portal.stores.run_store import RunStore
from portal.usecases.log_places import log_at, plain_log
from portal.usecases.read_run import moment
from portal.wiring import Parts

BEFORE, AFTER = timedelta(seconds=30), timedelta(minutes=2)
"""Clocks differ, and last words come late."""
USUAL_LINES, MOST_LINES = 50, 500
MOST_READ = 2000
"""Lines of a stream, which others may share."""
AT_ONCE = 10
"""Pieces of an engine's log."""


def read_worker_log(run: Run, slot: int, parts: Parts, *, epoch: int = 0, most: int = USUAL_LINES) -> dict[str, Any]:
    """Of the slot's newest worker, or of that of `epoch`; `most` lines of each kind. Raises NotFound; what cannot be read is
    said in `note`."""
    row = _worker(run, slot, epoch)
    lines, unread = _kept_by_cloud(run, row, parts, most)
    engine, unkept = _written_by_engine(row, parts, most)
    return {
        "id": run.id, "slot": row.slot, "epoch": row.epoch, "state": row.state, "message": row.message,
        "log": plain_log(log_at(row, run.where(), run.backend)),
        "lines": [{"at": moment(datetime.fromtimestamp(line.at, UTC)), "text": line.text} for line in lines],
        "engine": list(engine), "note": " ".join(filter(None, (unread, unkept))),
    }  # fmt: skip


def _worker(run: Run, slot: int, epoch: int) -> Worker:
    rows = Worker.objects.filter(run=run, slot=slot, **({"epoch": epoch} if epoch else {}))
    if (row := rows.order_by("-epoch").first()) is None:
        which = f"slot {slot}" + (f" and epoch {epoch}" if epoch else "")
        raise NotFound(f"Run {run.id} has no worker of {which}.", hint="Its results list the workers that were started.")
    return row


def _kept_by_cloud(run: Run, row: Worker, parts: Parts, most: int) -> tuple[tuple[LogLine, ...], str]:
    place = run.where()
    at = log_at(row, place, run.backend)
    if place is None or at is None:
        return (), "" if place is None else "The environment names no log groups."
    until = (run.ended or datetime.fromtimestamp(parts.clock.now(), UTC)) + AFTER
    span = Span((row.launched - BEFORE).timestamp(), until.timestamp())
    try:
        lines = _of_stream(at, row, span, place, parts) or _of_group(at, row, span, place, parts)
    except NotFound:
        return (), f"CloudWatch has no log group {at.group}."
    except PortalError as error:
        return (), f"{error.message} {error.hint}".strip()
    return lines[-most:], "" if lines else "CloudWatch has nothing of this worker yet."


def _of_stream(at: LogPlace, row: Worker, span: Span, place: AwsPlace, parts: Parts) -> tuple[LogLine, ...]:
    """Without the lines of others whose stream it is too."""
    if not at.stream:
        return ()
    try:
        found = parts.logs(place).tail(at, span, most=MOST_READ)
    except NotFound:  # It comes with the first line.
        return ()
    return tuple(line for line in found if is_said_by(line.text, row.run_id, row.slot, row.epoch) is not False)


def _of_group(at: LogPlace, row: Worker, span: Span, place: AwsPlace, parts: Parts) -> tuple[LogLine, ...]:
    """A worker that never spoke has told nobody its stream; what its platform wrote of it names run and slot all the same."""
    found = parts.logs(place).about(at.group, row.run_id, span)
    return tuple(line for line in found if is_said_by(line.text, row.run_id, row.slot, row.epoch))


def _written_by_engine(row: Worker, parts: Parts, most: int) -> tuple[tuple[str, ...], str]:
    """Its last word has all that is kept; before that, what was shipped so far."""
    try:
        store = parts.store(row.run_id)
        if done := store.dones().get((row.slot, row.epoch)):
            return done.log_tail[-most:], ""
        lines = tuple(line for piece in _pieces(store, row) for line in piece)
    except StoreUnavailable as error:
        return (), f"The run's store cannot be read: {error.message}"
    return lines[-most:], ""


def _pieces(store: RunStore, row: Worker) -> Iterator[tuple[str, ...]]:
    """A few at a time, up to the first that is not there: how many there are only a living worker's beat says."""
    for start in range(0, MOST_PIECES, AT_ONCE):
        found = store.lines((row.slot, row.epoch, piece) for piece in range(start, start + AT_ONCE))
        yield from (found[key] for key in sorted(found))
        if len(found) < AT_ONCE:
            return

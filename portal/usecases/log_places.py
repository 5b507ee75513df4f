"""Where the log of a worker is, from what its row says."""

from __future__ import annotations

from portal.core.aws_place import AwsPlace
from portal.core.wire import to_plain
from portal.core.worker_logs import LogPlace, log_place
from portal.models import Worker


def log_at(row: Worker, place: AwsPlace | None, backend: str) -> LogPlace | None:
    """`place` and `backend` are its run's. None: on this machine, or where nobody named log groups."""
    if place is None:
        return None
    return log_place(place, backend, reference=row.reference, machine=row.place, told=row.log_stream)


def plain_log(at: LogPlace | None) -> dict[str, str] | None:
    """As JSON."""
    return None if at is None else dict(to_plain(at))

"""The parameters of lists."""

from __future__ import annotations

from portal.api.query import LONGEST, MOST_ROWS
from portal.api.schema.operation import parameter
from portal.models.run import BackendName
from portal.usecases.list_runs import ORDERS

PAGE_PARAMETERS = (
    parameter("cursor", "Where the page begins: `cursor` of the page before.", most=LONGEST),
    parameter("limit", f"Rows on a page, up to {MOST_ROWS}.", kind=int, least=1, most=MOST_ROWS),
)
QUERY_PARAMETERS = (
    parameter("scenario", "Of this scenario.", most=LONGEST), parameter("environment", "In this environment.", most=LONGEST),
    parameter("backend", "On this backend.", choices=BackendName.values),
    parameter("state", "In this state; several by comma.", most=LONGEST),
    parameter("verdict", "With this verdict; several by comma.", most=LONGEST),
    parameter("tag", "With this tag: `name:value`, or the name alone. Up to five.", many=True),
    parameter("requested_by", "Asked for by this user.", most=LONGEST),
    parameter("since", "Asked for at this moment or later: 2026-11-24T10:00:00Z or 2026-11-24.", most=40),
    parameter("until", "Asked for before this moment.", most=40),
    parameter("search", "In note and scenario, or the id's beginning; up to two letters: the note's beginning.", most=LONGEST),
    parameter("order", "By `started` and `ended` only runs that have begun or ended are listed.", choices=ORDERS),
    *PAGE_PARAMETERS,
)  # fmt: skip

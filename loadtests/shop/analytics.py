"""The analytics service: takes events, singly or in batches, and reports the products seen most often."""

from collections import Counter, deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests.shop.catalogue import PRODUCTS
from loadtests.shop.replies import RefusedError, int_field, int_query, read_json
from loadtests.shop.service import MOST_BODY_BYTES, Service

EVENT_TYPES = ("view", "search", "cart", "purchase")

_MOST_EVENTS = 50_000
_MOST_BATCH = 1000


class AnalyticsService:
    """Remembers the last `_MOST_EVENTS` events; the report is about those."""

    def __init__(self) -> None:
        self._events: deque[tuple[str, int]] = deque()
        self._counts: dict[str, Counter[int]] = {kind: Counter() for kind in EVENT_TYPES}

    def service(self) -> Service:
        routes = (
            Route("/events", self.take_events, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/reports/top", self.report_top),
        )
        return Service(name="analytics", routes=routes, reset=self._reset)

    async def take_events(self, request: Request) -> Response:
        body = await read_json(request)
        batch = body if isinstance(body, list) else [body]
        if not 1 <= len(batch) <= _MOST_BATCH:
            raise RefusedError(400, f"Send 1 to {_MOST_BATCH} events at a time.")
        # All are checked before any is stored: a batch is taken whole or not at all.
        for kind, product in [_event(entry) for entry in batch]:
            self._store(kind, product)
        return JSONResponse({"accepted": len(batch)}, status_code=202)

    async def report_top(self, request: Request) -> Response:
        kind = request.query_params.get("type", "view")
        if kind not in self._counts:
            raise RefusedError(400, f"type must be one of {', '.join(EVENT_TYPES)}.")
        limit = int_query(request, "limit", least=1, most=100, default=10)
        top = [
            {"product_id": product, "name": PRODUCTS[product].name, "count": count}
            for product, count in self._counts[kind].most_common(limit)
            if count
        ]
        return JSONResponse({"type": kind, "events": len(self._events), "top": top})

    def _store(self, kind: str, product: int) -> None:
        if len(self._events) >= _MOST_EVENTS:
            old_kind, old_product = self._events.popleft()
            self._counts[old_kind][old_product] -= 1
        self._events.append((kind, product))
        self._counts[kind][product] += 1

    def _reset(self) -> None:
        self._events.clear()
        for counts in self._counts.values():
            counts.clear()


# Any: one entry of whatever JSON the client sent.
def _event(entry: Any) -> tuple[str, int]:
    if not isinstance(entry, dict) or entry.get("type") not in EVENT_TYPES:
        raise RefusedError(400, f'An event is an object whose "type" is one of {", ".join(EVENT_TYPES)}.')
    return str(entry["type"]), int_field(entry, "product_id", least=1, most=len(PRODUCTS))

"""The thin ASGI layer around a service: counts each request once, injects faults, answers the control routes.

A request is counted, with its status, just before the first byte of its response leaves. So the counters
equal what clients have seen once these have all their responses, and no later request can overtake the count.
Plain ASGI and no middleware classes: at a thousand requests a second this must cost next to nothing.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loadtests.shop.faults import NO_FAULTS, Faults
from loadtests.shop.replies import RefusedError, read_object, refusal
from loadtests.shop.service import MOST_BODY_BYTES, Service

#: Any other method is counted as OTHER, so that a client cannot make up endless counters.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Handler = Callable[[Request], Awaitable[Response]]


class InstrumentedService:
    """The ASGI application a service process runs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._app = _application(service.routes)
        self._control = _application(self._control_routes())
        # Unseeded: every process draws its own sequence, so services do not fail in step.
        self._random = random.Random()
        self._faults = NO_FAULTS
        self._by_route: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "/health" or path.startswith("/__"):
            await self._control(scope, receive, send)
            return

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"])
            await send(message)

        faults = self._faults
        app: ASGIApp = self._app
        if faults is not NO_FAULTS and faults.apply_to(path):
            app = await self._faulty_app(faults)
        await app(scope, receive, counted_send)

    async def _faulty_app(self, faults: Faults) -> ASGIApp:
        """The application to answer with, after the delay: the service's own or an error."""
        delay_ms = faults.latency_ms + self._random.uniform(-faults.jitter_ms, faults.jitter_ms)
        if delay_ms > 0:
            await asyncio.sleep(delay_ms / 1000)
        if self._random.random() < faults.error_rate:
            return JSONResponse({"error": "This error was asked for at /__faults."}, status_code=503)
        return self._app

    def _count(self, scope: Scope, status: int) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._by_route[f"{method} {self._path_of_route(scope)}"] += 1
        self._by_status[str(status)] += 1

    def _path_of_route(self, scope: Scope) -> str:
        route = scope.get("route")
        if route is None:
            # An injected error has not passed the router, and an unknown path is one no route matches.
            matching = (route for route in self._service.routes if route.matches(scope)[0] is not Match.NONE)
            route = next(matching, None)
        return route.path if isinstance(route, Route) else "(no such route)"

    def _control_routes(self) -> tuple[Route, ...]:
        return (
            Route("/health", self._health),
            Route("/__counters", self._show_counters),
            Route("/__reset", self._reset, methods=["POST"]),
            Route("/__faults", self._show_faults),
            Route("/__faults", self._set_faults, methods=["POST"], max_body_size=MOST_BODY_BYTES),
        )

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "service": self._service.name})

    async def _show_counters(self, request: Request) -> Response:
        requests = self._by_status.total()
        return JSONResponse({"requests": requests, "by_route": self._by_route, "by_status": self._by_status})

    async def _reset(self, request: Request) -> Response:
        """Back to how the service started: no counts, no faults, nothing stored."""
        self._by_route.clear()
        self._by_status.clear()
        self._faults = NO_FAULTS
        self._service.reset()
        return JSONResponse({"reset": True})

    async def _show_faults(self, request: Request) -> Response:
        return JSONResponse(self._faults.as_json())

    async def _set_faults(self, request: Request) -> Response:
        faults = Faults.from_json(await read_object(request))
        self._faults = NO_FAULTS if faults == NO_FAULTS else faults
        return JSONResponse(self._faults.as_json())


def _application(routes: tuple[Route, ...]) -> Starlette:
    app = Starlette(routes=routes, exception_handlers={RefusedError: refusal})
    # A redirected request would be two at the service and, for some clients, one in the report.
    app.router.redirect_slashes = False
    return app

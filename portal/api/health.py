"""/healthz, /readyz and /metrics, for whatever keeps the portal running. The first two say nothing that needs a token."""

from __future__ import annotations

import math
from http import HTTPStatus
from ipaddress import ip_address

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.permissions import MayDo
from portal.api.reports import AsNamed
from portal.api.resource import Resource
from portal.api.schema import things as shapes
from portal.api.schema.operation import TEXT, operation
from portal.client_address import client_address
from portal.usecases.measure_portal import Metric, measure_portal, readiness
from portal.wiring import parts

NO_STORE = {"Cache-Control": "no-store"}
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


class Alive(Resource):
    """GET /healthz: the web process answers. It asks nobody else, so that no database trouble restarts it."""

    authentication_classes = ()
    permission_classes = ()

    @operation("Is the web process alive", {200: shapes.Alive}, tag="portal", public=True, name="healthz")
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"}, headers=NO_STORE)


class Ready(Resource):
    """GET /readyz: 200 when database, store, queue and ticker work; else 503, naming which does not."""

    authentication_classes = ()
    permission_classes = ()

    @operation("Does all the portal needs work", {200: shapes.Ready, 503: shapes.Ready}, tag="portal", public=True, name="readyz")
    def get(self, request: Request) -> Response:
        checks = readiness(parts())
        ready = all(checks.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response({"status": "ok" if ready else "unavailable", "checks": checks}, status=status, headers=NO_STORE)


class FromHereOrMayDo(MayDo):
    """A caller on this machine, or one with a token. A request that was forwarded comes from somewhere else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        address = client_address(request)
        direct = not any(request.headers.get(name) for name in _FORWARDED)
        return (direct and bool(address) and ip_address(address).is_loopback) or super().has_permission(request, view)


class Metrics(Resource):
    """GET /metrics, in the text format of Prometheus."""

    permission_classes = (FromHereOrMayDo,)
    content_negotiation_class = AsNamed

    @operation(
        "Numbers for Prometheus",
        {(200, "text/plain"): TEXT},
        tag="portal",
        name="metrics",
        optional=True,
        text="From this machine without a token, from elsewhere with one.",
    )
    def get(self, request: Request) -> HttpResponse:
        text = "".join(written(metric) for metric in measure_portal())
        return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8", headers=NO_STORE)


def written(metric: Metric) -> str:
    name = f"knopfdruck_{metric.name}"
    lines = [f"# HELP {name} {metric.text}", f"# TYPE {name} gauge"]
    for labels, value in metric.samples:
        said = ",".join(f'{label}="{_escaped(word)}"' for label, word in labels)
        lines.append(f"{name}{f'{{{said}}}' if said else ''} {'+Inf' if math.isinf(value) else f'{value:.15g}'}")
    return "\n".join(lines) + "\n"


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

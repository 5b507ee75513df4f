"""/openapi.yaml and the page that shows it. Both are public: they say what there could be, never what is there."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response


class Schema(SpectacularAPIView):
    schema = None
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().get(request, *args, **kwargs)
        answer["Cache-Control"] = "public, max-age=300"
        return answer


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, its start in a script of its own: no inline script, nothing from outside."""

    schema = None
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

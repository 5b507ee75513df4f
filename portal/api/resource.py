"""What all resources share: who may call them, bodies of bounded size, answers that can be asked for again cheaply."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar  # Any: JSON answers

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.body import BoundedJSONParser
from portal.core.access import Action
from portal.core.errors import Problem, RequestRejected

LONGEST_KEY = 200


class Resource(APIView):
    """`needs` names by method what a caller must be allowed to do; what is not named is in `api.permissions`."""

    parser_classes: list[type[BaseParser]] = [BoundedJSONParser]  # noqa: RUF012  (DRF's own convention)
    needs: ClassVar[Mapping[str, Action]] = {}


def body_of(request: Request) -> dict[str, object]:
    """The JSON object sent; our parser lets nothing else through, but a request may come without any body."""
    return dict(request.data) if isinstance(request.data, dict) else {}


def no_body(request: Request) -> None:
    """Raises RequestRejected for anything but nothing or an empty object."""
    if fields := body_of(request):
        raise RequestRejected(Problem(name[:60], "There is no such field.", "Send no body.") for name in fields)


def idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isascii() or (key and not key.isprintable()):
        raise RequestRejected.because("Idempotency-Key", f"The key has more than {LONGEST_KEY} or odd characters.", "Use a UUID.")
    return key


def tagged(request: Request, body: Mapping[str, Any], *, tag: str = "") -> Response:
    """The body with its ETag, or 304 when the caller has it already. `tag` stands for the body where only that tells."""
    words = tag or json.dumps(body, sort_keys=True)
    known = {word.strip().removeprefix("W/") for word in request.headers.get("If-None-Match", "").split(",")}
    quoted = f'"{hashlib.sha256(words.encode()).hexdigest()[:32]}"'
    headers = {"ETag": quoted, "Cache-Control": "no-cache"}
    if quoted in known:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(dict(body), headers=headers)

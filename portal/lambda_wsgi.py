"""The portal's API as a Lambda function behind API Gateway: `portal.lambda_wsgi.handler`, of the zip that `infra_gen` packs.

Who calls: with IAM the gateway says it, and this process signs it for the portal with a secret that it alone knows; with an
API key, which only meters, a token of the portal does. `KNOPFDRUCK_SECRETS_ARN` names a JSON secret with more variables, such
as DATABASE_URL and SECRET_KEY; they are read once, before Django starts. An event of EventBridge starts a scenario.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable
from typing import Any  # Any: events and WSGI, as plain data

from apig_wsgi import make_lambda_handler

from portal.aws.secrets import manager_value
from portal.core.gateway_event import EVENT_CALLER, iam_caller, is_http, start_of
from portal.core.signature import sign

SECRET = secrets.token_urlsafe(48)
FORBIDDEN = ("HTTP_X_CALLER", "HTTP_X_CALLER_TIME", "HTTP_X_CALLER_NONCE", "HTTP_X_CALLER_SIGNATURE", "HTTP_X_FORWARDED_FOR")
"""What only we may say; a caller's own are dropped."""


class DatabaseMissing(RuntimeError):
    """A function has no disk of its own to keep a database on."""


def prepare() -> None:
    """The environment the portal reads; afterwards nothing of it changes."""
    os.environ.setdefault("KNOPFDRUCK_DATA_DIR", "/tmp/knopfdruck")
    os.environ["KNOPFDRUCK_GATEWAY_SECRET"] = SECRET
    if arn := os.environ.get("KNOPFDRUCK_SECRETS_ARN"):
        os.environ.update({name: str(value) for name, value in json.loads(manager_value(arn)).items()})
    if not os.environ.get("DATABASE_URL"):
        raise DatabaseMissing("DATABASE_URL is missing: set it, or put it into the secret KNOPFDRUCK_SECRETS_ARN names.")


class Identified:
    """A WSGI application that believes the gateway, and nobody else, about who calls and from where."""

    def __init__(self, app: Any, host: str) -> None:
        self._app, self._host = app, host

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        context = environ.get("apig_wsgi.request_context") or {}
        for name in FORBIDDEN:
            environ.pop(name, None)
        # The gateway has chosen this function by its own host name already.
        environ["HTTP_HOST"] = environ["SERVER_NAME"] = self._host
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
        environ["REMOTE_ADDR"] = str((context.get("identity") or {}).get("sourceIp") or "")
        caller = context.get("caller_of_event") or iam_caller(context)
        if caller:
            environ.pop("HTTP_AUTHORIZATION", None)
            environ |= _signed(environ, caller)
        found: Iterable[bytes] = self._app(environ, start_response)
        return found


def _signed(environ: dict[str, Any], caller: str) -> dict[str, str]:
    from django.core.handlers.wsgi import WSGIRequest

    at, nonce = int(time.time()), secrets.token_urlsafe(16)
    path = WSGIRequest(environ).get_full_path()
    signature = sign(SECRET, at=at, method=environ["REQUEST_METHOD"], path=path, caller=caller, nonce=nonce)
    return {
        "HTTP_X_CALLER": caller, "HTTP_X_CALLER_TIME": str(at), "HTTP_X_CALLER_NONCE": nonce,
        "HTTP_X_CALLER_SIGNATURE": signature,
    }  # fmt: skip


def open_application() -> Any:
    """Django is started once per function instance, outside of any call's time."""
    prepare()
    from django.conf import settings

    from portal.wsgi import application

    host = next((host for host in settings.CONFIG.allowed_hosts if not host.startswith((".", "*"))), "localhost")
    return Identified(application, host)


_handle = make_lambda_handler(open_application(), binary_support=True)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An answer for API Gateway; for an event a refusal is an error, so that it is told in the failure queue."""
    if is_http(event):
        return _handle(event, context)
    call = start_of(event)
    call["requestContext"]["caller_of_event"] = os.environ.get("KNOPFDRUCK_EVENT_CALLER") or EVENT_CALLER
    answer = _handle(call, context)
    if answer["statusCode"] >= 400:
        raise RuntimeError(f"The scenario was not started: {answer['body'][:1000]}")
    return answer

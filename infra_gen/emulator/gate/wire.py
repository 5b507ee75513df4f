"""Calls as the services' protocols write them, read for the rules; and refusals written back the same way."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from infra_gen.emulator.strict.request import Refusal, Request

QUERY = ("cloudformation", "autoscaling", "sns", "ec2")
FUNCTION_PATHS = (
    ("POST", r"/functions/[^/]+/invocations$", "Invoke"),
    ("POST", r"/functions/?$", "CreateFunction"),
    ("PUT", r"/functions/[^/]+/configuration$", "UpdateFunctionConfiguration"),
    ("PUT", r"/functions/[^/]+/code$", "UpdateFunctionCode"),
    ("PUT", r"/functions/[^/]+/concurrency$", "PutFunctionConcurrency"),
    ("POST", r"/layers/[^/]+/versions$", "PublishLayerVersion"),
)
Answer = tuple[int, dict[str, str], bytes]


def read(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, scope: tuple[str, str]) -> Request:
    """An action that no rule knows has an empty name."""
    if service == "lambda":
        action = next((name for verb, end, name in FUNCTION_PATHS if verb == method and re.search(end, path)), "")
        document = {} if action == "Invoke" else _json(body)
        return Request(service, action, {**document, "path": path}, len(body), headers, scope)
    if service in QUERY:
        flat = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}
        return Request(service, flat.get("Action", ""), flat, len(body), headers, scope)
    action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return Request(service, action, _json(body), len(body), headers, scope)


def refused(service: str, refusal: Refusal) -> Answer:
    number = str(uuid.uuid4())
    if service in QUERY:
        error = f"<Type>Sender</Type><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        text = f"<ErrorResponse><Error>{error}</Error><RequestId>{number}</RequestId></ErrorResponse>"
        return refusal.status, {"Content-Type": "text/xml", "x-amzn-requestid": number}, text.encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": number, "x-amzn-ErrorType": refusal.code}
    document = {"__type": refusal.code, "message": refusal.message, "Message": refusal.message, **refusal.extra}
    return refusal.status, headers, json.dumps(document).encode()


def _json(body: bytes) -> dict[str, Any]:
    """Empty when it is none: the service itself says what is wrong with it."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

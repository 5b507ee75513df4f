"""What API Gateway and EventBridge hand to a function, as far as the portal needs to know. Pure.

Who calls by IAM is a user of the portal when it is of the gateway's own account: `user/ada` is ada, a session of the role
`deployer` is deployer, whatever the session calls itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any  # Any: events, as plain JSON

from portal.core.errors import RequestRejected

BACKENDS = ("lambda", "fargate", "ec2")
EVENT_CALLER = "eventbridge"
"""The user of the portal as which a rule's scenarios are started; it must exist and be allowed to."""
_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(?:user/(?:[!-~]+/)?([\w+=,.@-]+)|assumed-role/([\w+=,.@-]+)/[!-~]+)", re.ASCII
)


def iam_caller(context: Mapping[str, Any]) -> str:
    """Empty: nobody called by IAM, or somebody of another account did."""
    identity = context.get("identity") or {}
    found = _ARN.fullmatch(str(identity.get("userArn") or ""))
    if found is None or found[1] != str(context.get("accountId") or ""):
        return ""
    return found[2] or found[3]


def is_http(event: Mapping[str, Any]) -> bool:
    return "httpMethod" in event or "requestContext" in event


def start_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The call to start what an event of EventBridge asks for in its detail: a start body, and `backend`.

    The event's id is the idempotency key, because EventBridge delivers at least once. Raises RequestRejected.
    """
    detail, key = event.get("detail"), event.get("id")
    if not isinstance(detail, dict) or not isinstance(key, str) or not key:
        raise RequestRejected.because(
            "detail", "This is no event that starts a scenario.", "Its detail is a start body with a backend."
        )
    body = dict(detail)
    backend = body.pop("backend", "")
    if backend not in BACKENDS:
        raise RequestRejected.because("detail.backend", f"{backend!r} is none.", f"One of {', '.join(BACKENDS)}.")
    return {
        "httpMethod": "POST", "path": f"/load-tests/{backend}/start", "body": json.dumps(body), "isBase64Encoded": False,
        "multiValueHeaders": {"Content-Type": ["application/json"], "Idempotency-Key": [f"event-{key}"]},
        "multiValueQueryStringParameters": None, "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
    }  # fmt: skip

"""The emulator's own doors under `/_knopfdruck/`: what happens to instances, and what a host's agent answers to tasks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import request_scope
from ministack.services import ecs

from infra_gen.emulator.plugins import credentials, machines, protection, spot

PREFIX = "/_knopfdruck/"
App = Callable[[Any, Any, Any], Awaitable[None]]
Answer = tuple[int, Any]


def around(app: App) -> App:
    """The server's app, with these doors in front of it."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await app(scope, receive, send)
            return
        status, document = answer(scope["method"], scope["path"], scope.get("query_string", b""), await _body(receive))
        content = json.dumps(document).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return guarded


def answer(method: str, path: str, query: bytes, body: bytes) -> Answer:
    door, *rest = path.removeprefix(PREFIX).strip("/").split("/")
    if door == "credentials" and rest:
        return _credentials(rest[0])
    if door == "agent" and rest[1:] == ["task-protection", "v1", "state"]:
        return protection.ask_for_oneself(rest[0], method, body)
    if door == "instances":
        return 200, {"instances": machines.listing()}
    named = {name: values[0] for name, values in parse_qs(query.decode()).items()}
    if method == "POST" and door in ("spot-notice", "rebalance", "kill", "shutdown"):
        return _to_instance(door, {**named, **json.loads(body or b"{}")})
    return 404, {"error": f"nothing at {path}; instances can be listed, and POST spot-notice, rebalance, kill, shutdown name one"}


def _to_instance(door: str, asked: dict[str, Any]) -> Answer:
    instance = str(asked.get("instance", ""))
    if instance not in machines.RUNNING:
        return 404, {"error": f"no running instance {instance!r}; running are {', '.join(machines.RUNNING) or 'none'}"}
    if door == "spot-notice":
        return 200, spot.notice(instance, float(asked.get("seconds", spot.NOTICE_SECONDS)), str(asked.get("action", "terminate")))
    if door == "rebalance":
        return 200, spot.rebalance(instance)
    machines.lose(instance, abruptly=door == "kill")
    return 200, {"instance": instance, "state": "terminated"}


def _credentials(task_id: str) -> Answer:
    found = next((item for item in ecs._tasks.all_items() if item[1]["taskArn"].endswith(f"/{task_id}")), None)
    if found is None:
        return 404, {"error": f"no task {task_id}"}
    (account, region, _), task = found
    with request_scope(account, region):
        definition = ecs._task_defs[task["taskDefinitionArn"].rsplit("/", 1)[-1]]
        role = (task.get("overrides") or {}).get("taskRoleArn") or definition.get("taskRoleArn", "")
        return 200, credentials.of_role(role, task_id)


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body

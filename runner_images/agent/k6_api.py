"""k6's own API on loopback: its status, its orders, and the setup data of a script."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException
from typing import Any  # Any: foreign JSON
from urllib.error import HTTPError

from runner_images.agent.process import EngineProcess

PAUSED_WITH_VUS, ENDED, INTERRUPTED = 4, 9, 10
ANSWER_SECONDS = 5.0
# The engine is on loopback: a proxy that the machine is configured for has no part in this.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class GateStuck(Exception):
    """The engine does not answer where it should take orders."""


class ScriptThrew(Exception):
    """setup() or teardown() threw or took too long; the text is k6's own."""


class K6Api:
    """Raises GateStuck, except for `status`."""

    is_ready_after_setup = False

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/"

    def status(self) -> int | None:
        """None while it does not answer as k6 does."""
        try:
            return int(self._ask("GET", "status", seconds=2)["data"]["attributes"]["status"])
        except (GateStuck, ValueError, KeyError, TypeError):
            return None

    def order(self, attributes: dict[str, bool]) -> None:
        """Changes the status: `paused`, `stopped`."""
        self._ask("PATCH", "status", {"data": {"type": "status", "id": "default", "attributes": attributes}})

    def run_setup(self, seconds: float) -> bytes:
        """What setup() returned, as JSON; blocks while it runs. Raises ScriptThrew."""
        attributes = self._run("setup", seconds)["data"]["attributes"]
        return json.dumps(attributes.get("data"), ensure_ascii=False, separators=(",", ":")).encode()

    def give_setup(self, data: bytes) -> None:
        self._ask("PUT", "setup", data)

    def run_teardown(self, seconds: float) -> None:
        """Blocks while it runs. Raises ScriptThrew."""
        self._run("teardown", seconds)

    def let_go(self, process: EngineProcess) -> None:
        process.interrupt()

    def _run(self, what: str, seconds: float) -> Any:
        try:
            return self._ask("POST", what, seconds=seconds)
        except GateStuck as error:
            if isinstance(error.__cause__, HTTPError):
                raise ScriptThrew(_detail(error.__cause__)) from error
            raise

    def _ask(self, method: str, path: str, body: object = None, *, seconds: float = ANSWER_SECONDS) -> Any:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=data, method=method, headers=headers)
        try:
            with _DIRECT.open(request, timeout=seconds) as answer:
                return json.loads(answer.read() or b"null")
        except (OSError, HTTPException, ValueError) as error:
            raise GateStuck(str(error)) from error


def _detail(error: HTTPError) -> str:
    """k6 answers 500 with the exception as it would have logged it."""
    try:
        return str(json.loads(error.read())["errors"][0]["detail"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return str(error)

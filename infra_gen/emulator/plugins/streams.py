"""A function's lines go to the stream its process was told, as in AWS: one stream for each process, over all its calls.

ministack tells a process one name, and writes the lines of each call to a new stream of another.
"""

from __future__ import annotations

import subprocess
import threading
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from infra_gen.emulator.plug import plug

TOLD = "AWS_LAMBDA_LOG_STREAM_NAME"
_THREAD = threading.local()
"""The worker that the call of this thread has got."""


def install() -> None:
    plug(lambda_runtime, "subprocess", lambda _: SimpleNamespace(**{**vars(subprocess), "Popen": Told}))
    plug(lambda_svc, "acquire_worker", _remembering)
    plug(lambda_svc, "_emit_lambda_logs", _in_its_stream)


class Told(subprocess.Popen[Any]):
    """Knows which stream it was told; its environment cannot be read once it hides."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.stream = str((named.get("env") or {}).get(TOLD, ""))
        super().__init__(*args, **named)


def _remembering(acquire: Any) -> Any:
    def acquired(*args: Any, **named: Any) -> Any:
        worker, how = acquire(*args, **named)
        _THREAD.worker = worker
        return worker, how

    return acquired


def _in_its_stream(emit: Any) -> Any:
    def emitted(function: Any, request_id: str, *args: Any, **named: Any) -> None:
        emit(function, request_id, *args, **named)
        stream = getattr(getattr(_THREAD.__dict__.pop("worker", None), "_proc", None), "stream", "")
        if stream:
            _move(function.get("config") or function, request_id, stream)

    return emitted


def _move(config: dict[str, Any], request_id: str, stream: str) -> None:
    """The lines of this call, which stand in a stream of their own, behind those of the calls before."""
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
    streams = (cloudwatch_logs._log_groups.get(group) or {}).get("streams", {})
    start = f"START RequestId: {request_id} "
    for name, found in list(streams.items()):
        if name != stream and any(event["message"].startswith(start) for event in found["events"][:1]):
            old = streams.pop(name)
            if stream in streams:
                cloudwatch_logs._append_log_events(streams[stream], old["events"])
            else:
                streams[stream] = old

"""What one worker of a run said, as plain text for its page."""

from __future__ import annotations

from typing import Any  # Any: the answer's JSON

from django.http import HttpRequest, HttpResponse

from portal.models import Run
from portal.usecases.read_worker_log import read_worker_log
from portal.wiring import Parts


def worker_log(request: HttpRequest, run: Run, parts: Parts) -> HttpResponse:
    """Raises NotFound."""
    found = read_worker_log(run, _number(request, "slot"), parts, epoch=_number(request, "epoch"))
    headers = {"Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff"}
    return HttpResponse("\n".join(_lines(found)) + "\n", content_type="text/plain; charset=utf-8", headers=headers)


def _number(request: HttpRequest, name: str) -> int:
    """0 where it is left out, or is none: the first slot, and its newest worker."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _lines(found: dict[str, Any]) -> list[str]:
    at = found["log"]
    head = [f"Run {found['id']}, worker {found['slot']}, epoch {found['epoch']}: {found['state']}. {found['message']}".rstrip()]
    if at:
        head += [f"{at['group']}  {at['stream']}".rstrip(), *([at["url"]] if at["url"] else [])]
    said = [f"{line['at']}  {line['text']}" for line in found["lines"]]
    engine = ["What the engine wrote:", *found["engine"]] if found["engine"] else []
    parts = [part for part in (head, said, engine, [found["note"]] if found["note"] else []) if part]
    return [line for part in parts for line in (*part, "")][:-1] if parts else []

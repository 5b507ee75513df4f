"""Log lines of a worker in a cloud: one JSON object each, so that CloudWatch can search their fields."""

from __future__ import annotations

import json
import sys
import time


def say(event: str, **fields: object) -> None:
    """To stdout, at once."""
    print(as_line(event, **fields), file=sys.stdout, flush=True)


def as_line(event: str, **fields: object) -> str:
    return json.dumps({"event": event, "at": round(time.time(), 3), **fields}, ensure_ascii=False, default=str)


def forwarded(line: str, **fields: object) -> str:
    """A line of the agent's: as it is when it is one of ours, else as the message of one."""
    text = line.rstrip("\n")
    return text if text.startswith('{"') else as_line("agent", message=text, **fields)

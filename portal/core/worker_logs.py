"""Where CloudWatch keeps what a worker printed: its log group and stream, and their page in the console. Pure.

The groups are those of our stacks; a stream is named by whoever makes it: Lambda tells it to the worker, ECS builds it from
prefix, container and task, and an instance's agent takes the instance's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from portal.core.aws_place import AwsPlace

TASK, POOL = "task", "pool"
"""The prefixes of streams of tasks: of one worker, and of one that waits for work."""
_CONSOLES: Final = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Empty `stream`: nobody has said it (yet). Empty `url`: no console shows it."""

    group: str
    stream: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """`at` in unix seconds."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Unix seconds."""

    since: float
    until: float


def log_place(place: AwsPlace, backend: str, *, reference: str, machine: str, told: str) -> LogPlace | None:
    """`machine` as it was noted (`i-0abc in eu-central-1a`), `told` what the worker says itself. None: nobody set groups up."""
    if not place.log_prefix:
        return None
    group = f"{place.log_prefix}/{backend}"
    stream = told or _stream(place, backend, reference, machine.partition(" in ")[0])
    return LogPlace(group, stream, console_url(place, group, stream))


def _stream(place: AwsPlace, backend: str, reference: str, machine: str) -> str:
    match backend:
        case "fargate" if ":task/" in reference:
            return f"{TASK}/{place.container}/{reference.rpartition('/')[2]}"
        case "fargate" if machine:
            return f"{POOL}/{place.container}/{machine}"
        case "ec2":
            return machine
    return ""


def console_url(place: AwsPlace, group: str, stream: str) -> str:
    """Of the stream, or of its group where it is not known. What an emulator keeps no console shows."""
    if place.endpoint_url:
        return ""
    host = next((host for begin, host in _CONSOLES if place.region.startswith(begin)), "console.aws.amazon.com")
    page = f"https://{place.region}.{host}/cloudwatch/home?region={place.region}#logsV2:log-groups/log-group/{_twice(group)}"
    return f"{page}/log-events/{_twice(stream)}" if stream else page


def is_said_by(text: str, run_id: str, slot: int, epoch: int) -> bool | None:
    """Whether a line of a log that workers share is this one's; None: it names nobody.

    A waiting machine or a warm function works for one slot after the other, and a group is everybody's. Our own lines say
    `run`, `slot` and `epoch`, those with metrics in capitals.
    """
    try:
        found = json.loads(text)
    except ValueError:
        return None
    line = {name.lower(): value for name, value in found.items()} if isinstance(found, dict) else {}
    if line.get("run") is None or line.get("slot") is None:
        return None
    said = (line["run"], str(line["slot"]), str(line.get("epoch", epoch)))
    return said == (run_id, str(slot), str(epoch))


def _twice(name: str) -> str:
    """As the console's own addresses have it: escaped twice, with `$` where the outer escape is."""
    return quote(quote(name, safe=""), safe="").replace("%", "$")

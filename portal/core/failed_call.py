"""What Lambda leaves in a queue of an asynchronous call that it gave up: which worker will not come, and why. Pure.

The record is described under "Capturing records of Lambda asynchronous invocations" in the developer guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from portal.core.errors import WireInvalid

LONGEST_WORDS = 300
MOST = 1 << 31
_RUN = re.compile(r"[A-Za-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class FailedCall:
    """`at`: unix seconds, by AWS's clock; `why`: a sentence."""

    run: str
    slot: int
    epoch: int
    at: float
    why: str


def read_failed_call(text: str) -> FailedCall:
    """Raises WireInvalid, whose message says nothing of what the record holds."""
    try:
        record = json.loads(text)
    except ValueError as error:
        raise WireInvalid("It is not JSON.") from error
    asked = _object(record, "requestPayload")
    run = asked.get("run")
    if not isinstance(run, str) or not _RUN.fullmatch(run):
        raise WireInvalid("Its requestPayload names no run.")
    return FailedCall(run, _number(asked, "slot"), _number(asked, "epoch", 1), _moment(record), _why(record))


def _object(record: object, name: str) -> Mapping[str, object]:
    found = record.get(name) if isinstance(record, Mapping) else None
    if not isinstance(found, Mapping):
        raise WireInvalid(f"It has no {name}.")
    return found


def _number(asked: Mapping[str, object], name: str, usual: int | None = None) -> int:
    found = asked.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < MOST:
        raise WireInvalid(f"Its requestPayload names no {name}.")
    return found


def _moment(record: Mapping[str, object]) -> float:
    try:
        return datetime.fromisoformat(str(record.get("timestamp"))).timestamp()
    except ValueError as error:
        raise WireInvalid("Its timestamp is none.") from error


def _why(record: Mapping[str, object]) -> str:
    context = _object(record, "requestContext")
    condition = _words(context.get("condition")) or "no reason given"
    match condition:
        case "RetriesExhausted":
            said = f"the call failed{_error(record)}"
        case "EventAgeExceeded":
            said = f"the call was dropped, because it could not be run in time{_tries(context)}; mostly for want of concurrency"
        case "ZeroReservedConcurrency":
            said = "the call was refused, because the function's reserved concurrency is 0"
        case _:
            said = f"the call was given up ({condition})"
    return f"AWS Lambda: {said}."


def _error(record: Mapping[str, object]) -> str:
    """`: WorkerFailed: The worker of slot 3 ended with code 70`. No stack trace: it may show values."""
    payload = record.get("responsePayload")
    said = payload if isinstance(payload, Mapping) else {}
    words = [_words(said.get(name)) for name in ("errorType", "errorMessage")]
    return "".join(f": {word}" for word in words if word)


def _tries(context: Mapping[str, object]) -> str:
    count = context.get("approximateInvokeCount")
    return f" in {count} tries" if isinstance(count, int) and not isinstance(count, bool) and count > 1 else ""


def _words(value: object) -> str:
    """One printable line without a stop at its end."""
    line = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(letter for letter in line if letter.isprintable())[:LONGEST_WORDS].rstrip(" .")

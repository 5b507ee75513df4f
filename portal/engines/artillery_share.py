"""One worker's part of an Artillery script: its phases, its rows of the data files, and no judging of its own. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any  # Any: foreign YAML

from portal.core.load import exact_seconds
from portal.core.split import Segment, WorkerAssignment
from portal.engines.artillery_phases import Phase, steps
from portal.engines.artillery_script import payloads, relative

FILE = "knopfdruck-worker.json"
ROWS = "knopfdruck-rows"
NO_TARGET = "http://target.invalid"
"""Artillery insists on a target even when all addresses are absolute."""


def share(
    script: Mapping[str, Any], folder: PurePosixPath, phases: Sequence[Phase], assignment: WorkerAssignment,
    bundle: Mapping[str, bytes],
) -> dict[str, bytes]:  # fmt: skip
    """The files of this worker beside the bundle's; the script is the one named FILE in the user's folder."""
    config = {key: value for key, value in script["config"].items() if key not in ("ensure", "environments")}
    segment = assignment.segment
    config["phases"] = list(steps(phases, segment, since=exact_seconds(assignment.elapsed)))
    config.setdefault("target", NO_TARGET)
    # The portal judges merged data; each worker alone would judge its own part and end with exit code 1.
    config["plugins"] = {name: given or {} for name, given in (config.get("plugins") or {}).items() if name != "ensure"}
    rows: dict[str, bytes] = {}
    if config.get("payload"):
        config["payload"] = []
    for number, payload in enumerate(payloads(script["config"])):
        name = str(folder / f"{ROWS}-{number}.csv")
        part = _part(payload, bundle.get(str(folder / relative(str(payload.get("path"))))), segment)
        if part is not None:
            rows[name] = part
        config["payload"].append(payload if part is None else {**payload, "path": PurePosixPath(name).name})
    text = json.dumps({**script, "config": config}, default=str)
    return {str(folder / FILE): text.encode(), **rows}


def _part(payload: Mapping[str, Any], data: bytes | None, segment: Segment) -> bytes | None:
    """This worker's rows. None leaves the file whole: one worker alone, or options that only Artillery's parser knows."""
    if segment.count == 1 or data is None or payload.get("options"):
        return None
    delimiter = str(payload.get("delimiter") or ",")[:1]
    return _rows(data.decode("utf-8-sig", "replace"), delimiter, segment, header=payload.get("skipHeader") is True)


def _rows(text: str, delimiter: str, segment: Segment, *, header: bool) -> bytes:
    lines = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    first, rest = (lines[:1], lines[1:]) if header else ([], lines)
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([*first, *segment.rows(rest)])
    return out.getvalue().encode()

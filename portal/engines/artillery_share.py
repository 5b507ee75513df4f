"""One worker's part of an Artillery script: its phases, its rows of the data files, and no judging of its own. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any  # Any: foreign YAML

from portal.core.data_files import Sharing
from portal.core.load import exact_seconds
from portal.core.split import Segment, WorkerAssignment
from portal.engines.artillery_data import EXTENSION, payload_rows, sharing
from portal.engines.artillery_phases import Phase, steps
from portal.engines.artillery_script import payloads, relative

FILE = "knopfdruck-worker{part}.json"
ROWS = "knopfdruck-rows"
SECTIONS = ("before", "after")
"""Our plugin knows them by a mark: they run once per run, not in every process."""
NO_TARGET = "http://target.invalid"
"""Artillery insists on a target even when all addresses are absolute."""


def share(
    script: Mapping[str, Any], folder: PurePosixPath, phases: Sequence[Phase], assignment: WorkerAssignment,
    bundle: Mapping[str, bytes], *, part: int = 0,
) -> dict[str, bytes]:  # fmt: skip
    """The files of this worker's process number `part` beside the bundle's; the first is the script."""
    config = {key: value for key, value in script["config"].items() if key not in ("ensure", "environments", EXTENSION)}
    segment = assignment.segment
    config["phases"] = list(steps(phases, segment, since=exact_seconds(assignment.elapsed)))
    config.setdefault("target", NO_TARGET)
    # The portal judges merged data; each worker alone would judge its own part and end with exit code 1.
    config["plugins"] = {name: given or {} for name, given in (config.get("plugins") or {}).items() if name != "ensure"}
    rows: dict[str, bytes] = {}
    if config.get("payload"):
        config["payload"] = []
    for number, payload in enumerate(payloads(script["config"])):
        name = str(folder / f"{ROWS}-{part}-{number}.csv")
        path = str(folder / relative(str(payload.get("path"))))
        said = sharing(script["config"], path, bundle)
        if said is Sharing.ONCE:
            payload = {**payload, "order": "sequence"}
        own = None if said is Sharing.SHARED else _part(payload, path, bundle.get(path), segment)
        if own is not None:
            rows[name] = own
        config["payload"].append(payload if own is None else {**payload, "path": PurePosixPath(name).name})
    marked = {name: {**script[name], "knopfdruck": name} for name in SECTIONS if isinstance(script.get(name), dict)}
    text = json.dumps({**script, **marked, "config": config}, default=str)
    return {str(folder / FILE.format(part=part)): text.encode(), **rows}


def _part(payload: Mapping[str, Any], path: str, data: bytes | None, segment: Segment) -> bytes | None:
    """This worker's rows. None leaves the file whole: one worker alone, or options that only Artillery's parser knows."""
    if segment.count == 1 or data is None or payload.get("options"):
        return None
    return payload_rows(payload, path, data).part(segment)

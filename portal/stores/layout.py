"""Where each thing of a run lies in the store: pure functions from what it is to its key, and back for snapshots.

Numbers are zero-padded so that sorted keys are in order of slot, epoch and seq. Keys hold only letters, digits
and a few signs that are the same file name, S3 key and URL path everywhere.
"""

from __future__ import annotations

import re

SLOT_DIGITS, EPOCH_DIGITS, SEQ_DIGITS = 5, 4, 8
MOST_RAW_NAME = 150

# A part never begins with a dot: "." and ".." would leave the store, and dot files are the filesystem's temporaries.
_PART = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]{0,199}")
_RUN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LEASE = re.compile(rf"(?:.*/)?lease/(\d{{{SLOT_DIGITS}}})/(\d{{{EPOCH_DIGITS}}})")
_SNAPSHOT = re.compile(rf"(?:.*/)?snap/(\d{{{SLOT_DIGITS}}})/(\d{{{EPOCH_DIGITS}}})/(\d{{{SEQ_DIGITS}}})\.mp\.z")


def check_key(key: str) -> None:
    """Raises ValueError unless `key` is a relative path of plain names."""
    if len(key) > 900 or not all(_PART.fullmatch(part) for part in key.split("/")):
        raise ValueError(f"{key[:200]!r} is not a key: use relative paths of letters, digits and . _ = + @ -.")


def check_prefix(prefix: str) -> None:
    """Raises ValueError unless some key can begin with `prefix` (which may be empty or end inside a name)."""
    if prefix:
        check_key(prefix.removesuffix("/"))


def run_prefix(run_id: str) -> str:
    if not _RUN.fullmatch(run_id):
        raise ValueError(f"{run_id[:100]!r} is not a run id: use letters, digits, _ and -.")
    return f"runs/{run_id}/"


def plan_key(run_id: str) -> str:
    return run_prefix(run_id) + "plan.json"


def bundle_key(run_id: str) -> str:
    return run_prefix(run_id) + "bundle.tar"


def setup_key(run_id: str) -> str:
    """What the script's `setup()` gave on the worker that ran it, for all the others."""
    return run_prefix(run_id) + "setup.json"


def teardown_key(run_id: str) -> str:
    """Which worker runs the script's `teardown()`."""
    return run_prefix(run_id) + "teardown.json"


def start_key(run_id: str) -> str:
    return run_prefix(run_id) + "start.json"


def stop_key(run_id: str) -> str:
    return run_prefix(run_id) + "stop.json"


def pulse_key(run_id: str) -> str:
    return run_prefix(run_id) + "pulse.json"


def summary_key(run_id: str) -> str:
    return run_prefix(run_id) + "summary.json"


def assignment_key(run_id: str, slot: int, epoch: int) -> str:
    return f"{run_prefix(run_id)}assign/{epoch_part(epoch)}/{slot_part(slot)}.json"


def lease_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "lease/"


def lease_key(run_id: str, slot: int, epoch: int) -> str:
    return f"{lease_prefix(run_id)}{slot_part(slot)}/{epoch_part(epoch)}"


def take_over_key(run_id: str, slot: int, epoch: int) -> str:
    """When a replacement begins."""
    return f"{run_prefix(run_id)}takeover/{slot_part(slot)}/{epoch_part(epoch)}.json"


def parse_lease_key(key: str) -> tuple[int, int]:
    """(slot, epoch); raises ValueError when `key` is not one of `lease_key`."""
    match = _LEASE.fullmatch(key)
    if match is None:
        raise ValueError(f"{key[:200]!r} is not the key of a lease.")
    return int(match[1]), int(match[2])


def ready_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "ready/"


def ready_key(run_id: str, slot: int) -> str:
    return f"{ready_prefix(run_id)}{slot_part(slot)}.json"


def beat_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "beat/"


def beat_key(run_id: str, slot: int) -> str:
    return f"{beat_prefix(run_id)}{slot_part(slot)}.json"


def done_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "done/"


def done_key(run_id: str, slot: int, epoch: int) -> str:
    return f"{done_prefix(run_id)}{slot_part(slot)}/{epoch_part(epoch)}.json"


def snapshot_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "snap/"


def worker_snapshot_prefix(run_id: str, slot: int, epoch: int) -> str:
    return f"{snapshot_prefix(run_id)}{slot_part(slot)}/{epoch_part(epoch)}/"


def snapshot_key(run_id: str, slot: int, epoch: int, seq: int) -> str:
    return f"{worker_snapshot_prefix(run_id, slot, epoch)}{_padded(seq, SEQ_DIGITS, 'seq')}.mp.z"


def parse_snapshot_key(key: str) -> tuple[int, int, int]:
    """(slot, epoch, seq); raises ValueError when `key` is not one of `snapshot_key`."""
    match = _SNAPSHOT.fullmatch(key)
    if match is None:
        raise ValueError(f"{key[:200]!r} is not the key of a snapshot.")
    return int(match[1]), int(match[2]), int(match[3])


def lines_key(run_id: str, slot: int, epoch: int, piece: int) -> str:
    """What an engine wrote while it ran, in the order of the pieces."""
    return f"{run_prefix(run_id)}lines/{slot_part(slot)}/{epoch_part(epoch)}/{_padded(piece, SEQ_DIGITS, 'piece')}.json"


def raw_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "raw/"


def raw_key(run_id: str, slot: int, name: str) -> str:
    if len(name) > MOST_RAW_NAME or not _PART.fullmatch(name):
        raise ValueError(f"{name[:200]!r} is not a plain file name of up to {MOST_RAW_NAME} characters.")
    return f"{raw_prefix(run_id)}{slot_part(slot)}/{name}"


def series_prefix(run_id: str, resolution: int) -> str:
    """`resolution` is in seconds; no padding is needed because resolutions are never listed together."""
    if resolution < 1:
        raise ValueError(f"{resolution} s is not a resolution of a series.")
    return f"{run_prefix(run_id)}series/{resolution}/"


def series_key(run_id: str, resolution: int, chunk: int, digest: str) -> str:
    """Named by content: a chunk that grows gets another key, and a late writer of an old one destroys nothing."""
    return f"{series_prefix(run_id, resolution)}{_padded(chunk, SEQ_DIGITS, 'chunk')}-{digest}.mp.z"


def kept_prefix(run_id: str) -> str:
    return run_prefix(run_id) + "series/kept/"


def kept_key(run_id: str, number: int) -> str:
    """Which chunks are valid, and the snapshots they are made of; the highest number counts."""
    return f"{kept_prefix(run_id)}{_padded(number, SEQ_DIGITS, 'number')}.json"


def timeline_key(run_id: str, step: int, chunk: int) -> str:
    """A chunk of the live timeline in steps of `step` seconds."""
    return f"{run_prefix(run_id)}timeline/{step}/{_padded(chunk, SEQ_DIGITS, 'chunk')}.json"


def slot_part(slot: int) -> str:
    return _padded(slot, SLOT_DIGITS, "slot")


def epoch_part(epoch: int) -> str:
    return _padded(epoch, EPOCH_DIGITS, "epoch")


def _padded(number: int, digits: int, what: str) -> str:
    if not 0 <= number < 10**digits:
        raise ValueError(f"{number} is not a {what}: the layout has {digits} digits for it.")
    return f"{number:0{digits}d}"

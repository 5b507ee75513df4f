"""What a run's result says of its data files: whether their rows were enough. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from portal.core.data_files import DataFile, Sharing, Taking
from portal.core.split import Segment
from portal.core.verdict import Outcome, Verdict


def used(verdict: Verdict, files: Sequence[DataFile], *, turns: int, workers: int) -> Verdict:
    """Rows used again are a note; of a file whose rows may be used `once`, a reason to doubt a run that would have passed."""
    told = {file: said for file in files for said in _told(file, turns, workers)}
    doubts = tuple(said for file, said in told.items() if file.sharing is Sharing.ONCE)
    if doubts and verdict.outcome is Outcome.PASSED:
        notes = tuple(said for said in told.values() if said not in doubts)
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, reasons=doubts, notes=(*verdict.notes, *notes))
    return replace(verdict, notes=(*verdict.notes, *told.values()))


def _told(file: DataFile, turns: int, workers: int) -> Iterator[str]:
    if file.sharing is Sharing.SHARED or turns <= file.rows:
        return
    times = _most_times(file.rows, turns, workers)
    again = f"rows were used up to {times:,} times"
    if file.sharing is Sharing.ONCE:
        again = f"rows that may be used once ran out ({times:,} times)"
    if file.taking is Taking.BY_SCRIPT:  # Nobody but the script knows whether an iteration took a row at all.
        yield f"{file.path}: {file.rows:,} rows for {turns:,} iterations; with a row for each, {again}."
    elif file.taking is Taking.IN_ORDER:
        yield f"{file.path}: {file.rows:,} rows for {turns:,} users; {again}."
    else:
        yield f"{file.path}: {file.rows:,} rows for {turns:,} users, drawn at random."


def _most_times(rows: int, turns: int, workers: int) -> int:
    """Of the row used most, when each turn takes one and the workers take equal shares; who is left no row has them all."""
    parts = (Segment(index, workers) for index in range(workers))
    return max(math.ceil(part.share(turns) / (part.share(rows) or rows or 1)) for part in parts)

"""A run's merged series in its store: 1 s, 10 s and 60 s steps in chunks, and the list that says which of them are valid.

Chunks are named by content and never change; a new list is one write that exactly one process can make. So a crash at any
point leaves the old state or the new one, nothing is counted twice, and whoever goes on reads the snapshots the list lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from portal.core.block import Block
from portal.core.counted import Counted
from portal.core.errors import StoreUnavailable
from portal.core.merge import merge, rollup, split_gauges
from portal.core.merged_run import MINUTE, RECENT_MINUTES, MergedRun
from portal.core.snapshot import IntervalSnapshot
from portal.core.wire import from_json, to_json
from portal.stores.run_store import RunStore

LENGTHS: Mapping[int, int] = {1: 60, 10: 600, 60: 3600}
"""How many seconds one chunk holds, by resolution."""
KEPT_SECONDS: Mapping[int, int] = {1: 2 * 3600, 10: 12 * 3600}
"""How far back from the newest the finer steps go; steps of 60 s are kept for the whole run."""


class KeptElsewhere(Exception):
    """Another process has kept more of this run: begin anew from what it kept."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unix seconds from `number` x LENGTHS[resolution] on."""

    resolution: int
    number: int
    key: str

    @property
    def start(self) -> int:
        return self.number * LENGTHS[self.resolution]

    @property
    def end(self) -> int:
        return self.start + LENGTHS[self.resolution]


@dataclass(frozen=True, slots=True)
class Kept:
    """`counted` are the snapshots that the chunks are made of, `peaks` the most users of one second."""

    number: int = 0
    counted: tuple[Counted, ...] = ()
    peaks: dict[str, float] = field(default_factory=dict)
    chunks: tuple[Chunk, ...] = ()


class KeptSeries:
    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._superseded: frozenset[str] = frozenset()
        """What the list before this one was the last to name."""
        self.kept = Kept()
        self.load()

    def load(self) -> None:
        before, self.kept = (Kept(), Kept(), *(from_json(Kept, data) for data in self._store.kept()))[-2:]
        self._superseded = _replaced(before, self.kept)

    @property
    def snapshots(self) -> int:
        """How many are counted."""
        return sum(end - start for one in self.kept.counted for start, end in one.seqs)

    def restore(self) -> MergedRun:
        """The run as it was when it was kept the last time."""
        merged = MergedRun(self.kept.counted, self.kept.peaks)
        newest = max((chunk.start for chunk in self.kept.chunks if chunk.resolution == 1), default=0)
        horizon = newest - (RECENT_MINUTES - 1) * MINUTE
        older = (block.between(None, horizon) for block in self.blocks(60, until=horizon))
        merged.resume((block for block in older if len(block)), self.blocks(1, since=horizon))
        return merged

    def blocks(self, resolution: int, *, since: int | None = None, until: int | None = None) -> Iterator[Block]:
        """The chunks that have something of these seconds, in order of time and whole."""
        for chunk in self.chunks(resolution):
            if (since is None or chunk.end > since) and (until is None or chunk.start < until):
                yield self._read(chunk)

    def chunks(self, resolution: int) -> tuple[Chunk, ...]:
        """In order of time."""
        return tuple(chunk for chunk in self.kept.chunks if chunk.resolution == resolution)

    def keep(self, merged: MergedRun) -> None:
        """Writes what is fresh in `merged`, which then may forget it. Raises KeptElsewhere, StoreUnavailable, StoreFull."""
        if merged.counted == self.kept.counted:
            return
        chunks = {(chunk.resolution, chunk.number): chunk for chunk in self.kept.chunks}
        newest = max((minute for minute in merged.fresh()), default=0)
        for chunk in self._write(merged, chunks):
            chunks[chunk.resolution, chunk.number] = chunk
            newest = max(newest, chunk.start)
        valid = tuple(chunks[place] for place in sorted(chunks) if _is_young(chunks[place], newest))
        after = Kept(self.kept.number + 1, merged.counted, dict(merged.peaks), valid)
        if not self._store.save_kept(after.number, to_json(after)):
            raise KeptElsewhere
        before, self.kept = self.kept, after
        merged.settle_kept()
        self._sweep(before)

    def tidy(self) -> None:
        """Once nobody reads an older list any more: also what a process left that died between its chunks and the list."""
        valid = {chunk.key for chunk in self.kept.chunks}
        for resolution in LENGTHS:
            self._store.drop_series(key for key in self._store.series_keys(resolution) if key not in valid)

    def _write(self, merged: MergedRun, chunks: Mapping[tuple[int, int], Chunk]) -> Iterator[Chunk]:
        """The touched chunks as they are now: fresh seconds added, and the steps above them rolled up anew."""
        coarse: dict[tuple[int, int], list[tuple[int, Block, bool]]] = {}
        newest = max((chunk.start for chunk in chunks.values() if chunk.resolution == 1), default=0)
        for minute, fresh in sorted(merged.fresh().items()):
            known = chunks.get((1, minute // MINUTE))
            # What is older than the kept seconds can only be added to the coarser steps.
            is_whole = known is not None or minute > newest - KEPT_SECONDS[1]
            block = merge((self._read(known), fresh)) if known else fresh
            if is_whole:
                merged.note_peaks(block)
                yield self._save(1, minute // MINUTE, block)
            for resolution in (10, 60):
                place = (resolution, minute // LENGTHS[resolution])
                coarse.setdefault(place, []).append((minute, rollup(block, resolution), is_whole))
        for (resolution, number), parts in coarse.items():
            known = chunks.get((resolution, number))
            yield self._save(resolution, number, _with(self._read(known) if known else Block.empty(), parts))

    def _save(self, resolution: int, number: int, block: Block) -> Chunk:
        length = LENGTHS[resolution]
        data = IntervalSnapshot(0, 0, number, number * length, (number + 1) * length, block, final=True).encode()
        return Chunk(resolution, number, self._store.save_series(resolution, number, data))

    def _read(self, chunk: Chunk) -> Block:
        data = self._store.series_bytes(chunk.key)
        if data is None:
            # Either it was superseded while we looked at an old list, or somebody emptied the store.
            raise StoreUnavailable(f"The stored series lack {chunk.key}.")
        return IntervalSnapshot.decode(data).block

    def _sweep(self, before: Kept) -> None:
        """What the list before the last one was the last to name goes; its readers have had a whole interval."""
        self._store.drop_series(sorted(self._superseded))
        self._superseded = _replaced(before, self.kept)


def _replaced(before: Kept, after: Kept) -> frozenset[str]:
    return frozenset(chunk.key for chunk in before.chunks) - {chunk.key for chunk in after.chunks}


def _is_young(chunk: Chunk, newest: int) -> bool:
    kept = KEPT_SECONDS.get(chunk.resolution)
    return kept is None or chunk.end > newest - kept


def _with(block: Block, parts: Iterable[tuple[int, Block, bool]]) -> Block:
    """`block` with the steps of some minutes replaced, or, where only late seconds are at hand, added to."""
    for minute, fresh, is_whole in parts:
        if is_whole:
            block = merge((block.between(None, minute), fresh, block.between(minute + MINUTE, None)))
        else:
            # A late gauge cannot be told from the last one of its step.
            block = merge((block, split_gauges(fresh)[0]))
    return block

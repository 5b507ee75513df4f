"""What the engines write while a run goes on becomes events of the run: equal lines once, however often they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction

from portal.core.log_lines import MOST_PIECES, new_lines
from portal.models import Run, RunEvent
from portal.models.event import EventKind
from portal.stores.run_store import RunStore

PIECES_AT_ONCE = 200
"""In one look; the next one goes on."""


class NotedLines:
    """How far one process has read; without it everything is read again, and nothing is told again."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int], int] = {}

    def note_new(self, run: Run, store: RunStore, pieces: Mapping[tuple[int, int], int]) -> None:
        """`pieces` by (slot, epoch), as many as there are. Raises StoreUnavailable."""
        wanted = self._unread(pieces)[:PIECES_AT_ONCE]
        if not wanted:
            return
        found = store.lines(wanted)
        tell(run.id, ((slot, line) for slot, epoch, piece in wanted for line in found.get((slot, epoch, piece), ())))
        for slot, epoch, piece in wanted:
            self._read[slot, epoch] = piece + 1

    def _unread(self, pieces: Mapping[tuple[int, int], int]) -> list[tuple[int, int, int]]:
        return [
            (slot, epoch, piece)
            for (slot, epoch), count in sorted(pieces.items())
            for piece in range(self._read.get((slot, epoch), 0), min(count, MOST_PIECES))
        ]


def told(run_id: str) -> frozenset[str]:
    """The sentences among the events of a run."""
    return frozenset(RunEvent.objects.filter(run_id=run_id, kind=EventKind.LOG).values_list("text", flat=True))


def tell(run_id: str, said: Iterable[tuple[int, str]]) -> None:
    """What workers, by slot, have to say and is not among the run's events."""
    with _alone(run_id):
        fresh = new_lines(said, told(run_id))
        RunEvent.objects.bulk_create(RunEvent(run_id=run_id, text=line) for line in fresh)


def tell_once(run_id: str, text: str) -> None:
    """What the portal itself has to say of a run, unless it was told."""
    with _alone(run_id):
        RunEvent.objects.get_or_create(run_id=run_id, kind=EventKind.LOG, text=text)


@contextmanager
def _alone(run_id: str) -> Iterator[None]:
    """The run's row is locked: of two processes that have the same to say the second one sees that it was told."""
    with transaction.atomic():
        Run.objects.select_for_update().filter(pk=run_id).values_list("pk").first()
        yield

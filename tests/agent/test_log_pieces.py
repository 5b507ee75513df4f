"""An engine's lines on their way into the store: all of the first few hundred, once, in order, in small pieces."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.protocol import DoneReason
from portal.stores.run_store import RunStore
from runner_images.agent.engine_log import FIRST_LINES, EngineLog
from runner_images.agent.log_pieces import PIECE_BYTES, LogPieces
from tests.agent.rig import Rig
from tests.fakes import FailingStore, wait_until


def pieces() -> tuple[LogPieces, EngineLog, FailingStore]:
    objects = FailingStore()
    made = LogPieces(RunStore(objects, "run1"), 3, 2)
    made.log = EngineLog(lambda line: False)
    return made, made.log, objects


def shipped(objects: FailingStore, count: int) -> tuple[str, ...]:
    found = RunStore(objects, "run1").lines((3, 2, piece) for piece in range(count))
    assert len(found) == count
    return tuple(line for _, lines in sorted(found.items()) for line in lines)


def test_before_there_is_a_log_and_without_news_nothing_is_written() -> None:
    made, log, objects = pieces()
    made.log = None
    made.ship()
    made.log = log
    made.ship()
    log.add(b"hello\nhello\n")
    for _ in range(3):
        made.ship()
        log.add(b"hello\n")
    assert (made.count, objects.written) == (1, ["runs/run1/lines/00003/0002/00000000.json"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 400), max_size=80), st.booleans()), max_size=20))
def test_whatever_fails_in_between_the_first_lines_are_all_there_in_order(rounds: list[tuple[list[int], bool]]) -> None:
    made, log, objects = pieces()
    for numbers, fails in rounds:
        log.add(b"".join(b"line %d\n" % number for number in numbers))
        objects.fails = fails
        made.ship()
    objects.fails = False
    made.ship()
    assert shipped(objects, made.count) == log.first()


def test_long_lines_make_more_pieces_and_none_is_large() -> None:
    made, log, objects = pieces()
    log.add("".join(f"{number} {'ü' * 3000}\n" for number in range(2 * FIRST_LINES)).encode())
    made.ship()
    assert shipped(objects, made.count) == log.first()
    assert max(len(objects.get(key) or b"") for key in objects.written) <= PIECE_BYTES + 200


def test_secrets_are_hidden_in_what_is_shipped() -> None:
    objects = FailingStore()
    made = LogPieces(RunStore(objects, "run1"), 3, 2)
    made.log = EngineLog(lambda line: False, lambda text: text.replace("hunter2", "***"))
    made.log.add(b"log in with hunter2\n")
    made.ship()
    assert shipped(objects, 1) == ("log in with ***",)


def test_a_worker_ships_its_lines_while_it_runs_and_the_beat_counts_them(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"posts": [2, 3], "until_stopped": True, "last": 10, "prints": ["first", "second"]})

    def controller(rig: Rig) -> None:
        rig.start()
        wait_until(lambda: rig.store.beats()[0].pieces, "a beat with lines")
        assert not rig.store.dones()
        rig.stop()

    rig.live(controller)
    done = rig.done()
    found = rig.store.lines((0, 1, piece) for piece in range(done.pieces))
    assert done.reason is DoneReason.STOPPED
    assert [line for _, lines in sorted(found.items()) for line in lines] == ["engine says hello", "first", "second"]

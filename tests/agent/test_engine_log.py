"""What is kept of a flood of output: equal lines once with their number, the first and the last different ones, no more."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import ClosedLoad
from portal.core.merge import select
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from portal.engines import k6_log
from runner_images.agent.engine_log import FIRST_LINES, LAST_LINES, LINE_LENGTH, LONGEST_LINE, MORE, EngineLog
from tests.agent.lives import Lives

MOST_BYTES = 1 << 20
RECORDED = Path(__file__).parents[1] / "fixtures/artillery"
THROWS = ScriptSource("k6", "main.js", "export default function () { throw new Error('no such basket'); }")


def log_of(*blocks: bytes) -> EngineLog:
    log = EngineLog(lambda line: "ERROR" in line)
    for block in blocks:
        log.add(block)
    log.finish()
    return log


def test_equal_lines_are_told_once_with_their_number_wherever_they_stand() -> None:
    log = log_of(b"a\nb\na\n", b"a\nc\nb\n")
    assert log.told() == ("a (x 3)", "b (x 2)", "c")
    assert log.lines() == ("a", "b", "c")


def test_k6s_time_makes_no_other_line_of_it() -> None:
    log = log_of(*(b'time="2026-11-24T15:34:%02dZ" level=error msg=ERROR\n' % second for second in range(40)))
    assert log.told() == ('time="2026-11-24T15:34:00Z" level=error msg=ERROR (x 40)',)
    assert (log.script_errors, log.first_error) == (40, log.lines()[0])


def test_the_first_error_is_told_as_a_sentence_also_where_its_line_is_too_long_to_keep() -> None:
    log = EngineLog(k6_log.is_script_error, sentence=k6_log.clean)
    frames = r"\n\tat go.k6.io/k6/js.run (native)" * 100
    log.add(rb'time="2026-11-24T15:34:00Z" level=error msg="Error: no such basket\n\tat buy (file:///x/y/buy.js:3:9(4))')
    log.add(f'{frames}" executor=constant-vus scenario=default source=stacktrace\n'.encode())
    assert log.first_error == "Error: no such basket at buy (buy.js:3:9(4))"
    assert log.lines()[0].startswith('time="2026')


@pytest.mark.parametrize("name", ["procthrow", "sigterm"])
def test_artillerys_own_id_of_a_process_is_not_told(name: str) -> None:
    said = (RECORDED / f"{name}.stdout.txt").read_bytes()
    assert said.startswith(b"Test run id: ")
    log = log_of(said, b"Test run id: 5, of the script itself\n")
    assert log.told()[-1] == "Test run id: 5, of the script itself"
    assert [line for line in log.told() if line.startswith("Test run id: t")] == []
    assert len(log.told()) > 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"b", b"ERROR c", b"", b"  "]), max_size=60), st.lists(st.integers(0, 200), max_size=5))
def test_however_the_output_is_cut_into_blocks_the_numbers_are_the_same(lines: list[bytes], cuts: list[int]) -> None:
    whole = b"\n".join(lines)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    log = log_of(*(whole[begin:end] for begin, end in pairwise(edges)))
    assert log.told() == log_of(whole).told()
    assert log.script_errors == lines.count(b"ERROR c")


def test_lines_that_never_repeat_are_bounded_and_errors_among_them_all_counted() -> None:
    log = log_of(*(b"ERROR %d %s\n" % (number, b"x" * 3000) for number in range(3000)))
    told = log.told()
    assert len(told) == FIRST_LINES + LAST_LINES
    assert (told[0][:8], told[-1][:10]) == ("ERROR 0 ", "ERROR 2999")
    assert max(map(len, told)) == LINE_LENGTH
    assert log.script_errors == 3000
    assert len("\n".join(told)) < MOST_BYTES


def test_the_first_lines_only_grow_and_end_with_a_word_about_the_rest() -> None:
    log, seen = EngineLog(lambda line: False), tuple[str, ...]()
    for number in range(FIRST_LINES + 50):
        log.add(b"%d\n" % number)
        assert log.first()[: len(seen)] == seen
        seen = log.first()
    assert (len(seen), seen[-2:]) == (FIRST_LINES + 1, (str(FIRST_LINES - 1), MORE))


def test_a_line_without_end_is_not_waited_for() -> None:
    log = EngineLog(lambda line: False)
    for _ in range(100):
        log.add(b"y" * 50_000)
        assert len(log._rest) <= LONGEST_LINE
    log.finish()
    assert sum(map(len, log.told())) < LINE_LENGTH * 10


@pytest.mark.engines
def test_a_throwing_script_is_counted_exactly_and_its_log_stays_small(k6: EngineTools, tmp_path: Path) -> None:
    lives = Lives(tmp_path, k6, THROWS, ClosedLoad.constant(2, timedelta(seconds=3)), target="http://127.0.0.1:1")
    lives.live()
    done = lives.dones()[0]
    assert done.reason is DoneReason.COMPLETED
    assert done.script_errors == select(lives.merged().recent(), "iterations").total > 1000
    (line,) = done.log_tail
    assert "no such basket" in line
    assert re.search(r"\(x ([\d,]+)\)$", line)
    (key,) = lives.store.raw_keys()
    assert len(lives.store.raw_bytes(key) or b"") < 5000

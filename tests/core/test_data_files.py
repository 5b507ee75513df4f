"""Data files: every row in exactly one part, as it is written; what is said of a file, and whether its rows were enough."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.data_files import DataFile, Declared, Sharing, Taking, read_declared
from portal.core.data_rows import read_rows
from portal.core.data_use import used
from portal.core.errors import ScriptInvalid
from portal.core.split import Segment
from portal.core.verdict import Outcome, Verdict

CELLS = st.text(alphabet="ab,\"\n\r ;'ä\u2028", max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=30)
FILES = {"data/users.csv": b"name\nada\nbob\n", "more/users.csv": b"name\n", "ids.json": b"[1, 2]"}
PASSED = Verdict(Outcome.PASSED, ("fine",))


def table(data: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]


@given(TABLES, st.integers(1, 7), st.booleans())
def test_csv_parts_hold_every_row_once_and_the_header_each(rows: list[list[str]], workers: int, header: bool) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    rows = table(out.getvalue().encode())
    found = read_rows("a.csv", out.getvalue().encode(), header=header)
    parts = [table(found.part(Segment(index, workers))) for index in range(min(workers, max(1, len(found.rows))))]
    body = rows[1:] if header else rows
    assert len(found.rows) == len(body)
    if workers <= len(body):
        heads = [part[:1] for part in parts] if header else []
        assert all(head == rows[:1] for head in heads)
        merged = [row for part in parts for row in (part[1:] if header else part)]
        assert sorted(merged) == sorted(body)


@given(st.lists(st.recursive(st.none() | st.integers() | CELLS, lambda inner: st.lists(inner, max_size=3))), st.integers(1, 5))
def test_json_parts_hold_every_element_once(values: list[object], workers: int) -> None:
    found = read_rows("a.json", json.dumps(values, indent=1, ensure_ascii=False).encode(), header=False)
    parts = [json.loads(found.part(Segment(index, workers))) for index in range(workers)]
    assert len(found.rows) == len(values)
    if workers <= len(values):
        assert [parts[n % workers][n // workers] for n in range(len(values))] == values


def test_numbers_and_quotes_are_left_as_they_are_written() -> None:
    assert read_rows("a.json", b'[ 1.50, 9007199254740993 ,{"a": "]"}]', header=False).rows == (
        "1.50", "9007199254740993", '{"a": "]"}',
    )  # fmt: skip
    assert (
        read_rows("a.csv", b'\xef\xbb\xbfid\r\n"1"\r\n\r\n"a\nb",2\r\n', header=True).part(Segment(0, 1))
        == b'id\n"1"\n"a\nb",2\n'
    )


@pytest.mark.parametrize("text", [b'{"a": 1}', b"[1, 2", b"", b"3"])
def test_json_without_an_array_cannot_be_divided(text: bytes) -> None:
    with pytest.raises(ScriptInvalid, match=r"a\.json cannot be divided"):
        read_rows("a.json", text, header=False)


def test_a_file_is_named_as_the_script_opens_it() -> None:
    given = {"data/users.csv": "split", "ids.json": {"use": "once", "header": False}}
    assert read_declared(given, FILES) == {
        "data/users.csv": Declared(Sharing.SPLIT), "ids.json": Declared(Sharing.ONCE, header=False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"users.csv": "split"}, "2 of the scenario's files are called so"),
        ({"nobody.csv": "split"}, "none of the scenario's files is called so"),
        ({"ids.json": "divided"}, "data says 'divided' of ids.json"),
        ({"ids.json": {"use": "once", "heder": True}}, "data says"),
        (["ids.json"], "not a mapping"),
    ],
)
def test_a_wrong_declaration_is_refused_in_a_sentence(given: object, words: str) -> None:
    with pytest.raises(ScriptInvalid) as error:
        read_declared(given, FILES)
    assert words in str(error.value)


def a_file(sharing: Sharing = Sharing.SPLIT, taking: Taking = Taking.BY_SCRIPT) -> DataFile:
    return DataFile("users.csv", 200, sharing, taking)


@pytest.mark.parametrize(
    ("file", "turns", "told"),
    [
        (a_file(), 200, ()),
        (a_file(), 1000, ("users.csv: 200 rows for 1,000 iterations; with a row for each, rows were used up to 5 times.",)),
        (a_file(taking=Taking.IN_ORDER), 201, ("users.csv: 200 rows for 201 users; rows were used up to 2 times.",)),
        (a_file(taking=Taking.AT_RANDOM), 201, ("users.csv: 200 rows for 201 users, drawn at random.",)),
        (a_file(Sharing.SHARED), 10_000, ()),
    ],
)
def test_rows_that_were_used_again_are_told(file: DataFile, turns: int, told: tuple[str, ...]) -> None:
    verdict = used(PASSED, (file,), turns=turns, workers=4)
    assert (verdict.outcome, verdict.notes) == (Outcome.PASSED, told)


def test_rows_for_one_use_that_ran_out_make_the_result_doubtful() -> None:
    verdict = used(PASSED, (a_file(Sharing.ONCE),), turns=201, workers=4)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "ran out" in verdict.reasons[0]
    failed = used(Verdict(Outcome.FAILED, ("slow",)), (a_file(Sharing.ONCE),), turns=201, workers=4)
    assert (failed.outcome, failed.reasons, len(failed.notes)) == (Outcome.FAILED, ("slow",), 1)


@given(st.integers(1, 50), st.integers(1, 400), st.integers(1, 9))
def test_the_row_used_most_is_found_exactly(rows: int, turns: int, workers: int) -> None:
    if turns <= rows or workers > rows:
        return
    counts = [0] * rows
    for turn in range(turns):
        own = list(range(turn % workers, rows, workers))
        counts[own[turn // workers % len(own)]] += 1
    (note,) = used(PASSED, (DataFile("a", rows, Sharing.SPLIT),), turns=turns, workers=workers).notes
    assert f"up to {max(counts)} times" in note

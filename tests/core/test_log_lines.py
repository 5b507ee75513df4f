from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.log_lines import LONGEST_LINE, MOST_LINES, MOST_TOLD, TOO_MANY, log_lines, new_lines
from portal.core.protocol import Done, DoneReason


def done(slot: int, *lines: str, epoch: int = 1) -> Done:
    return Done(slot, epoch, 9.0, DoneReason.COMPLETED, 0, log_tail=lines)


def test_equal_lines_of_several_workers_are_told_once_though_each_has_its_own_time() -> None:
    first = done(0, 'time="2026-11-24T10:00:00Z" level=warning msg="slow"', "own")
    second = done(1, 'time="2026-11-24T10:00:07Z" level=warning msg="slow"')
    assert log_lines([second, first]) == ('Worker 0 (and 1 more): level=warning msg="slow"', "Worker 0: own")


def test_a_line_of_a_worker_and_of_the_one_that_replaced_it_is_one_workers() -> None:
    assert log_lines([done(3, "x"), done(3, "x", epoch=2)]) == ("Worker 3: x",)


def test_too_many_lines_are_counted() -> None:
    found = log_lines([done(0, *map(str, range(MOST_LINES + 7)))])
    assert (len(found), found[-1]) == (MOST_LINES + 1, "7 more lines are in the workers' logs.")


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.text(max_size=20))), max_size=20))
def test_whatever_engines_write_it_is_bounded_and_can_be_stored(written: list[tuple[int, list[str]]]) -> None:
    found = log_lines(done(slot, *lines, epoch=number + 1) for number, (slot, lines) in enumerate(written))
    assert len(found) <= MOST_LINES + 1
    assert all("\x00" not in line and len(line) < LONGEST_LINE + 40 for line in found)


def test_numbers_of_several_workers_are_added_and_make_no_other_line_of_it() -> None:
    assert log_lines([done(0, "slow (x 1,200)"), done(1, "slow")]) == ("Worker 0 (and 1 more): slow (x 1,201)",)


def test_a_line_that_only_looks_counted_is_kept_as_it_is() -> None:
    assert log_lines([done(0, "retry (x 1)", "all (x ,)")]) == ("Worker 0: retry (x 1)", "Worker 0: all (x ,)")


def test_what_was_told_comes_again_only_with_how_often_it_was_written() -> None:
    told = ("Worker 2: once", "Worker 0 (and 3 more): often", "Workers by zone: a 2.")
    assert log_lines([done(0, "once", "often (x 7)", "new")], told) == ("Worker 0: often (x 7)", "Worker 0: new")


def test_of_what_is_said_now_only_the_new_is_told_and_by_the_first_who_says_it() -> None:
    said = [(1, "a"), (0, "b"), (2, 'time="2026-11-24T10:00:00Z" a'), (2, "  "), (3, "c")]
    assert new_lines(said, ("Worker 9: b",)) == ("Worker 1: a", "Worker 3: c")


LINES = st.lists(st.tuples(st.integers(0, 3), st.one_of(st.sampled_from("abc"), st.text(max_size=8))), max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINES, max_size=6), st.integers(0, 6))
def test_however_it_arrives_and_however_often_it_is_read_each_line_is_told_once(
    parts: list[list[tuple[int, str]]], again: int
) -> None:
    told: tuple[str, ...] = ()
    for part in [*parts, *parts[:again]]:
        told += new_lines(part, told)
    at_once = new_lines((each for part in parts for each in part), ())
    assert told == at_once
    assert len(told) == len({line.partition(": ")[2] for line in told})
    tails = [done(slot, line) for part in parts for slot, line in part if "(x" not in line]
    assert log_lines(tails, told) == ()


def test_too_many_are_told_of_once() -> None:
    first = new_lines(((0, str(number)) for number in range(MOST_TOLD + 1)), ())
    assert (len(first), first[-1]) == (MOST_TOLD + 1, TOO_MANY)
    assert new_lines([(0, "more")], first) == ()

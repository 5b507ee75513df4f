from hypothesis import given
from hypothesis import strategies as st

from portal.core.log_lines import LONGEST_LINE, MOST_LINES, log_lines
from portal.core.protocol import Done, DoneReason


def done(slot: int, *lines: str, epoch: int = 1) -> Done:
    return Done(slot, epoch, 9.0, DoneReason.COMPLETED, 0, log_tail=lines)


def test_equal_lines_of_several_workers_are_told_once_though_each_has_its_own_time() -> None:
    first = done(0, 'time="2026-11-24T10:00:00Z" level=warning msg="slow"', "own")
    second = done(1, 'time="2026-11-24T10:00:07Z" level=warning msg="slow"')
    assert log_lines([second, first]) == ('Worker 0 (and 1 more): level=warning msg="slow"', "Worker 0: own")


def test_a_line_of_a_worker_and_of_the_one_that_replaced_it_is_one_workers() -> None:
    assert log_lines([done(3, "x"), done(3, "x", "x", epoch=2)]) == ("Worker 3: x",)


def test_too_many_lines_are_counted() -> None:
    found = log_lines([done(0, *map(str, range(MOST_LINES + 7)))])
    assert (len(found), found[-1]) == (MOST_LINES + 1, "7 more lines are in the workers' logs.")


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.text(max_size=20))), max_size=20))
def test_whatever_engines_write_it_is_bounded_and_can_be_stored(written: list[tuple[int, list[str]]]) -> None:
    found = log_lines(done(slot, *lines, epoch=number + 1) for number, (slot, lines) in enumerate(written))
    assert len(found) <= MOST_LINES + 1
    assert all("\x00" not in line and len(line) < LONGEST_LINE + 40 for line in found)

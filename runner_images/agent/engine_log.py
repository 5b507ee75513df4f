"""What is kept of an engine's output: equal lines once, with their number; the first and the last different ones.

A throwing script writes 40,000 lines a second, nearly all of them alike. They are counted in blocks, so that the work
grows with the number of different lines and the memory not at all.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable

FIRST_LINES, LAST_LINES, LINE_LENGTH = 200, 200, 2000
"""Together 800 kB, which is also the most that is written to the store."""
LONGEST_LINE = 1 << 16
MORE = f"More than {FIRST_LINES} different lines: what follows is in the worker's log only."
_STAMP = re.compile(rb'^time="[^"]*" ')
"""k6 begins every line with the time, and that alone makes no other line of it."""
_CHATTER = re.compile(rb"Test run id: t[a-z0-9]+_[a-z0-9]+_[a-z0-9]+$")
"""Artillery's own id of each process, for its cloud: nobody can do anything with it, and it is not the run's."""


class EngineLog:
    """`script_errors` counts the lines that say that the user's script threw; `first_error` is what the first of them says."""

    def __init__(
        self, is_script_error: Callable[[str], bool], hide: Callable[[str], str] = str, sentence: Callable[[str], str] = str
    ) -> None:
        self.script_errors = 0
        self.first_error = ""
        self._is_script_error, self._hide, self._sentence = is_script_error, hide, sentence
        self._first: dict[bytes, _Line] = {}
        self._last: OrderedDict[bytes, _Line] = OrderedDict()
        self._rest = b""

    def add(self, block: bytes) -> None:
        """Any piece of the output; a line is taken when its end is there, or when it is too long to wait for it."""
        lines, end, rest = (self._rest + block).rpartition(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = lines + end + rest, b""
        self._rest = rest
        for line, times in Counter(lines.split(b"\n")).items():
            self._count(line, times)

    def finish(self) -> None:
        """The output is over, also in the middle of a line."""
        self._count(self._rest, 1)
        self._rest = b""

    def lines(self) -> tuple[str, ...]:
        """Each line once, as the engine wrote it the first time."""
        return tuple(line.text for line in self._kept())

    def told(self) -> tuple[str, ...]:
        """The same for people, with how often a line came."""
        return tuple(f"{line.text} (x {line.times:,})" if line.times > 1 else line.text for line in self._kept())

    def first(self) -> tuple[str, ...]:
        """The first different lines, which never change, and a last one that says so when there are more."""
        lines = tuple(line.text for line in tuple(self._first.values()))
        return (*lines, MORE) if self._last else lines

    def _kept(self) -> tuple[_Line, ...]:
        return (*tuple(self._first.values()), *tuple(self._last.values()))

    def _count(self, raw: bytes, times: int) -> None:
        key = _STAMP.sub(b"", raw[:LONGEST_LINE]).rstrip()
        if not key or _CHATTER.match(key):
            return
        line = self._first.get(key) or self._last.get(key)
        if line is None:
            line = self._new(key, raw)
        elif key in self._last:
            self._last.move_to_end(key)
        line.times += times
        if line.is_error:
            self.script_errors += times

    def _new(self, key: bytes, raw: bytes) -> _Line:
        text = self._hide(raw.decode(errors="replace").rstrip())
        line = _Line(text[:LINE_LENGTH], self._is_script_error(text))
        if line.is_error and not self.first_error:
            self.first_error = self._sentence(text)[:LINE_LENGTH]
        if len(self._first) < FIRST_LINES:
            self._first[key] = line
        else:
            self._last[key] = line
            if len(self._last) > LAST_LINES:
                self._last.popitem(last=False)
        return line


class _Line:
    __slots__ = ("is_error", "text", "times")

    def __init__(self, text: str, is_error: bool) -> None:
        self.text, self.is_error, self.times = text, is_error, 0

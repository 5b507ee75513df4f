"""What is not a YAML script is refused in a sentence that names the line; YAML means what Artillery's parser reads in it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import ScriptInvalid
from portal.engines.artillery_yaml import read_yaml

BILLIONS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "\n".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 10)}]" for before, one in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: {}\nname: \x8c", "The script is not YAML: line 2 has a character that YAML forbids, U+008C."),
        ("config: \ud956", "The script is not YAML: line 1 has a character that YAML forbids, U+D956."),
        ("config: {\n  a: [1\n", "in line 3"),
        ("config: {}\nconfig: {}", "'config' is given twice in line 1 and below."),
        ("a: &a [*a]", "The script contains itself"),
        (BILLIONS, "more than 100000 values"),
        ("[" * 500, "nested more than"),
        ("- 1", "not a mapping"),
        ("", "not a mapping"),
        ("a: !!python/object:os.system x", "not YAML"),
        ("x" * (513 << 10), "larger than 512 KiB"),
    ],
)
def test_what_is_not_a_script_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ScriptInvalid) as refused:
        read_yaml(text)
    assert said in refused.value.problems[0].message


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ScriptInvalid):
        assert isinstance(read_yaml(text), dict)


def test_words_and_dates_stay_what_they_are() -> None:
    assert read_yaml("{a: yes, b: 2026-01-01, c: true, d: 1.5, e: 1e3, f: .inf, g: 0x1F}") == {
        "a": "yes", "b": "2026-01-01", "c": True, "d": 1.5, "e": 1000.0, "f": float("inf"), "g": 31,
    }  # fmt: skip

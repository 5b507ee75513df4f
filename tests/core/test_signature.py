from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.core.signature import WINDOW_SECONDS, is_genuine, sign

SECRET = "s" * 32
CALL = {"method": "POST", "path": "/load-tests/stop?x=1", "caller": "ada"}


def genuine(signature: str, at: str = "1000", now: float = 1000.0, secret: str = SECRET, **call: Any) -> bool:
    return is_genuine(secret, signature, now=now, at=at, **{**CALL, **call})


def test_what_was_signed_is_genuine_within_the_window() -> None:
    signature = sign(SECRET, at=1000, **CALL)
    assert genuine(signature)
    assert genuine(signature, now=1000.0 + WINDOW_SECONDS)
    assert not genuine(signature, now=1001.0 + WINDOW_SECONDS)
    assert not genuine(signature, now=999.0 - WINDOW_SECONDS)


def test_it_is_not_good_for_another_caller_call_time_or_secret() -> None:
    signature = sign(SECRET, at=1000, **CALL)
    others: tuple[dict[str, Any], ...] = (
        {"caller": "root"},
        {"path": "/load-tests/stop"},
        {"method": "GET"},
        {"at": "1001"},
        {"secret": "t" * 32},
        {"nonce": "n"},
        {"caller": "ada\nn"},
    )
    for other in others:
        assert not genuine(signature, **other)


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not genuine(sign("", at=1000, **CALL), secret="")


@given(st.text(max_size=80), st.text(max_size=12))
def test_nothing_else_is_and_nothing_breaks(signature: str, at: str) -> None:
    assert not genuine(signature, at=at)


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=64))
def test_a_nonce_is_part_of_what_is_signed(nonce: str) -> None:
    signature = sign(SECRET, at=1000, **CALL, nonce=nonce)
    assert genuine(signature, nonce=nonce)
    assert not genuine(signature)
    assert not genuine(signature, caller=f"ada\n{nonce}")

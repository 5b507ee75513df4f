"""Exit codes and log lines, from recorded runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.core.protocol import DoneReason
from portal.engines import k6_log

LOGS = Path(__file__).parents[1] / "fixtures/k6/logs"


def recorded(name: str) -> tuple[int, tuple[str, ...]]:
    log = LOGS / f"{name}.stderr.txt"
    lines = tuple(log.read_text().splitlines()) if log.exists() else ()
    return int((LOGS / f"{name}.exit").read_text()), lines


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("pass", DoneReason.COMPLETED, ""),
        ("refused_no_thresholds", DoneReason.COMPLETED, ""),
        ("iterthrow", DoneReason.COMPLETED, ""),
        ("aborted_sigterm", DoneReason.TERMINATED, "signal"),
        ("stopped_rest", DoneReason.STOPPED, "REST"),
        ("abort", DoneReason.SCRIPT_ERROR, "test aborted: my reason"),
        ("fail", DoneReason.SCRIPT_ERROR, "marked as failed"),
        ("initthrow", DoneReason.SCRIPT_ERROR, "Error: boom init at initthrow.js:1:94(15)"),
        ("setupthrow", DoneReason.SCRIPT_ERROR, "boom setup"),
        ("setuptimeout", DoneReason.SCRIPT_ERROR, "setup() execution timed out after 1 seconds"),
        ("badexec", DoneReason.SCRIPT_ERROR, "unknown executor type 'nope'"),
        ("syntax_error", DoneReason.SCRIPT_ERROR, "syntax.js: Line 1:129 Unexpected token ;"),
        ("missing_file", DoneReason.ENGINE_FAILED, "nope.js"),
    ],
)
def test_a_recorded_end_has_its_reason_and_k6s_own_words(name: str, reason: DoneReason, words: str) -> None:
    ending = k6_log.ending(*recorded(name))
    assert ending.reason is reason
    assert words in ending.message
    for noise in ("time=", "level=", "msg=", "WORK", "file://"):
        assert noise not in ending.message


def test_an_unknown_code_is_an_engine_failure_that_names_it() -> None:
    assert k6_log.ending(77, ()).reason is DoneReason.ENGINE_FAILED
    assert "77" in k6_log.ending(77, ()).message


def test_a_throwing_iteration_is_a_script_error_and_a_refused_request_is_none() -> None:
    assert all(map(k6_log.is_script_error, recorded("iterthrow")[1]))
    assert not any(map(k6_log.is_script_error, recorded("refused")[1]))

"""What the exit code of `loadtest run --wait` says."""

from __future__ import annotations

from enum import IntEnum

from portal.core.run_state import EndReason
from portal.core.verdict import Outcome
from portal.models import Run


class ExitCode(IntEnum):
    PASSED = 0
    ERROR = 1
    REFUSED = 2
    INCONCLUSIVE = 3
    FAILED = 99
    STOPPED = 105
    LEFT = 130


TABLE = """\
exit codes:
  0    passed
  1    error: the script threw or could not run, workers could not start, or the portal itself failed
  2    refused: something in the request is wrong; nothing was started
  3    inconclusive: the numbers cannot be trusted (workers lost, generators too slow, data missing)
  99   failed: thresholds were not met
  105  stopped by a user
  130  you left before the run had ended; it goes on
"""
_BROKEN = (EndReason.SCRIPT_ERROR, EndReason.LAUNCH_FAILED, EndReason.REJECTED)


def exit_code(run: Run) -> ExitCode:
    """For a run that has ended."""
    if run.end_reason == EndReason.STOPPED_BY_USER:
        return ExitCode.STOPPED
    if run.end_reason in _BROKEN:
        return ExitCode.ERROR
    outcomes = {Outcome.PASSED: ExitCode.PASSED, Outcome.FAILED: ExitCode.FAILED}
    return outcomes.get(Outcome(run.verdict), ExitCode.INCONCLUSIVE) if run.verdict else ExitCode.INCONCLUSIVE

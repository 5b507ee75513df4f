"""Runs a command as a worker in a container would run: without capabilities, even where the tests are run by root.

Root may read every process's environment; without CAP_SYS_PTRACE it is a user like any other.
"""

from __future__ import annotations

import os
import shutil

import pytest


def confined(*argv: str) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return argv
    if not shutil.which("setpriv"):
        pytest.skip("setpriv (util-linux) takes root's capabilities away, and is not here.")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *argv)

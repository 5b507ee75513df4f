"""The engine as a real child process: its output, its end, and that it never outlives its agent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from portal.core.errors import EngineMissing
from portal.core.ports import EngineCommand
from runner_images.agent.engine_log import FIRST_LINES, LAST_LINES, LINE_LENGTH, EngineLog
from runner_images.agent.process import EngineProcess
from tests.fakes import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
SLEEPS = "import time; time.sleep(600)"
# An engine with a helper of its own; says both pids.
FAMILY = f"""
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-I", "-c", {SLEEPS!r}])
print(os.getpid(), helper.pid, flush=True)
time.sleep(600)
"""
AGENT = """
import sys, time
from pathlib import Path
from portal.core.ports import EngineCommand
from runner_images.agent.engine_log import EngineLog
from runner_images.agent.process import EngineProcess
command = EngineCommand((sys.executable, "-I", "-c", "import time; time.sleep(600)"), {})
process = EngineProcess(command, Path(sys.argv[1]), EngineLog(bool))
print(*process.pids, flush=True)
time.sleep(600)
"""


def engine(code: str, folder: Path, **files: bytes) -> EngineProcess:
    command = EngineCommand((sys.executable, "-I", "-c", code), {"ONLY": "this"}, files)
    return EngineProcess(command, folder, EngineLog(lambda line: line.startswith("ERROR")))


def wait_end(process: EngineProcess) -> int:
    wait_until(lambda: process.exit_code() is not None, "the engine's end")
    process.finish_output()
    code = process.exit_code()
    assert code is not None
    return code


def gone(pid: int) -> bool:
    """A zombie is gone: it only waits for whoever adopted it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_it_runs_in_its_folder_with_its_files_and_its_environment_alone(tmp_path: Path) -> None:
    code = "import os; print(open('deep.txt').read(), sorted(set(os.environ) - {'LC_CTYPE'}), os.getcwd())"
    process = engine(code, tmp_path, **{"deep.txt": b"content"})
    assert wait_end(process) == 0
    assert process.log.lines() == (f"content ['ONLY'] {tmp_path}",)


def test_exit_codes_and_signals_are_told_apart(tmp_path: Path) -> None:
    assert wait_end(engine("raise SystemExit(107)", tmp_path)) == 107
    assert wait_end(engine("import os; os.kill(os.getpid(), 9)", tmp_path)) == -9


def test_a_flood_of_output_is_drained_and_only_its_ends_are_kept(tmp_path: Path) -> None:
    process = engine("for n in range(200_000): print('line', n, 'x' * (6000 if n == 5 else 20))\nprint('ERROR', n)", tmp_path)
    assert wait_end(process) == 0
    log = process.log.lines()
    assert len(log) == FIRST_LINES + LAST_LINES
    assert log[0].startswith("line 0 ")
    assert log[-1] == "ERROR 199999"
    assert max(map(len, log)) == LINE_LENGTH


def test_a_line_without_end_neither_blocks_nor_fills_the_memory(tmp_path: Path) -> None:
    process = engine("import sys\nfor n in range(300): sys.stdout.write('y' * 65536)", tmp_path)
    assert wait_end(process) == 0
    assert sum(map(len, process.log.lines())) <= (FIRST_LINES + LAST_LINES) * LINE_LENGTH


def test_script_errors_are_counted_and_the_first_is_kept(tmp_path: Path) -> None:
    process = engine("print('fine')\nfor n in range(5000): print('ERROR number', n)", tmp_path)
    wait_end(process)
    assert (process.log.script_errors, process.log.first_error) == (5000, "ERROR number 0")


def test_output_that_is_no_text_is_kept_as_well_as_can_be(tmp_path: Path) -> None:
    process = engine(r"import os; os.write(1, b'\xff\xfe broken\n\n   \nlast without end')", tmp_path)
    wait_end(process)
    assert process.log.lines() == ("\ufffd\ufffd broken", "last without end")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    for program in ("/nowhere/k6", ""):
        with pytest.raises(EngineMissing, match=program or "The engine"):
            EngineProcess(EngineCommand((program, "run"), {}), tmp_path, EngineLog(bool))


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_the_whole_group_gets_the_signal(tmp_path: Path, how: str) -> None:
    process = engine(FAMILY, tmp_path)
    wait_until(process.log.lines, "the pids")
    pids = [int(word) for word in process.log.lines()[0].split()]
    getattr(process, how)()
    wait_end(process)
    wait_until(lambda: all(map(gone, pids)), "the end of both")


def test_what_an_ended_engine_left_behind_is_killed_too(tmp_path: Path) -> None:
    process = engine(FAMILY.replace("time.sleep(600)\n", ""), tmp_path)
    wait_until(lambda: process.log.lines() and process.exit_code() is not None, "the engine's end")
    helper = int(process.log.lines()[0].split()[1])
    assert not gone(helper)
    process.kill()
    wait_until(lambda: gone(helper), "the helper's end")
    process.finish_output()
    process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ties a process to its parent's life.")
def test_the_engine_dies_with_its_agent_on_kill_9(tmp_path: Path) -> None:
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout is not None
        pid = int(agent.stdout.readline())
        assert not gone(pid)
        os.kill(agent.pid, signal.SIGKILL)
        agent.wait(PATIENCE_SECONDS)
        wait_until(lambda: gone(pid), "the engine's end")
    finally:
        agent.kill()
        agent.communicate()

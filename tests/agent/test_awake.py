"""A process that is really stopped and goes on: it knows from when to when it was not there."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from runner_images.agent.awake import LEAP_SECONDS

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
from runner_images.agent.awake import Awake
from runner_images.agent.clock import SystemClock
awake = Awake(SystemClock())
time.sleep(0.2)
print("up", awake.slept(), flush=True)
sys.stdin.readline()
print(*[number for one in awake.slept() for number in one], flush=True)
print(awake.slept(), flush=True)
awake.stop()
"""


def test_it_knows_from_when_to_when_it_was_stopped() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline() == "up ()\n"
    process.send_signal(signal.SIGSTOP)
    stopped = time.time()
    time.sleep(LEAP_SECONDS + 1)
    woken = time.time()
    process.send_signal(signal.SIGCONT)
    process.stdin.write("\n")
    process.stdin.flush()
    first, last = map(int, process.stdout.readline().split())
    assert stopped - 2 <= first <= stopped
    assert woken <= last
    assert process.stdout.readline() == "()\n", "it is told once"
    assert process.wait(60) == 0

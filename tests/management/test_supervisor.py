"""The supervisor as a process of its own, with small programs as its children."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fakes import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
SUPERVISOR = """
import json, sys, time
from pathlib import Path
from portal.management import supervisor
from portal.management.supervisor import Child, Supervisor
class QuickTime:
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(lambda seconds: time.sleep(seconds / 10))
supervisor.time = QuickTime
folder, children = Path(sys.argv[1]), []
for name, argv, grace in json.loads(sys.argv[2]):
    silent = lambda name=name: 999.0 if (folder / f"{name}.silent").exists() else 0.0
    children.append(Child(name, argv, grace, silent, silent_limit=0.3))
    children[-1].pause = 0.1
def each_second():
    (folder / "seconds").open("a").write("x")
Supervisor(children, lambda text: print(text, flush=True)).run(each_second)
print("stopped", flush=True)
"""
# Adds its pid (and that of a helper in its group) to <name>.pids, then works until it is told to end.
CHILD = """
import os, signal, subprocess, sys, time
from pathlib import Path
folder, name, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
if kind == "dies":
    sys.exit(3)
helper = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"]) if kind == "stubborn" else None
def end(*_):
    (folder / f"{name}.ended").write_text("politely")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "stubborn" else end)
with (folder / f"{name}.pids").open("a") as file:
    file.write(f"{os.getpid()} {helper.pid if helper else ''}\\n")
while True:
    time.sleep(1)
"""


Told = tuple[str, list[str], float]
"""A child as SUPERVISOR is told of it: name, program and arguments, grace."""


class Supervised:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "child.py").write_text(CHILD)
        self.process: subprocess.Popen[str] | None = None
        self.begun: list[psutil.Process] = []

    def child(self, name: str, kind: str = "works", *, grace: float = 20, program: str = sys.executable) -> Told:
        return name, [program, str(self.folder / "child.py"), str(self.folder), name, kind], grace

    def begin(self, *children: Told) -> None:
        argv = [sys.executable, "-c", SUPERVISOR, str(self.folder), json.dumps(children)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, text=True)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def said(self) -> list[str]:
        return self._log.read_text().splitlines()

    def wait_said(self, *words: str, times: int = 1) -> list[str]:
        wait_until(lambda: len(self._with(words)) >= times, f"{words} in {self.said()}")
        return self._with(words)

    def _with(self, words: tuple[str, ...]) -> list[str]:
        return [line for line in self.said() if all(word in line for word in words)]

    def wait_child(self, name: str, number: int = 1) -> psutil.Process:
        """The number-th process that ran as this child."""
        wait_until(lambda: len(self._pids(name)) >= number, f"{name} number {number}")
        found = psutil.Process(self._pids(name)[number - 1][0])
        self.begun.append(found)
        return found

    def wait_helper(self, name: str) -> psutil.Process:
        self.wait_child(name)
        self.begun.append(psutil.Process(self._pids(name)[0][1]))
        return self.begun[-1]

    def _pids(self, name: str) -> list[list[int]]:
        path = self.folder / f"{name}.pids"
        text = path.read_text() if path.exists() else ""
        return [[int(word) for word in line.split()] for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in self.begun:
            if not gone(process):
                process.kill()


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    made.close()


def test_a_dead_child_is_started_anew_and_its_sibling_left_alone(supervised: Supervised) -> None:
    supervised.begin(supervised.child("web"), supervised.child("queue"))
    first, sibling = supervised.wait_child("web"), supervised.wait_child("queue")
    first.kill()
    second = supervised.wait_child("web", 2)
    assert second.pid != first.pid
    assert supervised.said() == ["web ended with code -9; starting it anew in 0.1 s"]
    assert not gone(sibling)
    assert supervised.stop() == 0


def test_a_child_that_shows_no_life_is_replaced(supervised: Supervised) -> None:
    supervised.begin(supervised.child("queue", "stubborn", grace=0.1))
    first, helper = supervised.wait_child("queue"), supervised.wait_helper("queue")
    (supervised.folder / "queue.silent").touch()
    supervised.wait_said("queue has shown no life for")
    (supervised.folder / "queue.silent").unlink()
    supervised.wait_child("queue", 2)
    assert gone(first)
    wait_until(lambda: gone(helper), "the end of its helper")
    supervised.stop()


def test_a_child_that_dies_again_and_again_is_given_more_and_more_time(supervised: Supervised) -> None:
    supervised.begin(supervised.child("web", "dies"), supervised.child("queue"))
    found = supervised.wait_said("web ended with code 3", times=3)
    assert [line.rpartition(" in ")[2] for line in found[:3]] == ["0.1 s", "0.2 s", "0.4 s"]
    assert supervised.stop() == 0
    assert supervised.said()[-1] == "stopped"


def test_a_child_that_cannot_be_started_for_the_moment_does_not_take_the_others_down(supervised: Supervised) -> None:
    program = supervised.folder / "python"
    program.symlink_to(sys.executable)
    supervised.begin(supervised.child("web", program=str(program)), supervised.child("queue"))
    first, sibling = supervised.wait_child("web"), supervised.wait_child("queue")
    program.unlink()
    first.kill()
    supervised.wait_said("web cannot be started (No such file or directory)")
    assert not gone(sibling)
    program.symlink_to(sys.executable)
    supervised.wait_child("web", 2)
    assert supervised.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_tells_all_children_to_end_and_waits_for_them(supervised: Supervised, number: signal.Signals) -> None:
    supervised.begin(supervised.child("web"), supervised.child("queue"))
    children = [supervised.wait_child("web"), supervised.wait_child("queue")]
    assert supervised.stop(number) == 0
    assert all(map(gone, children))
    assert [(supervised.folder / f"{name}.ended").read_text() for name in ("web", "queue")] == ["politely"] * 2
    assert supervised.said() == ["stopped"]


def test_what_does_not_end_in_time_is_killed_with_its_group(supervised: Supervised) -> None:
    supervised.begin(supervised.child("web"), supervised.child("queue", "stubborn", grace=0.3))
    web, queue, helper = supervised.wait_child("web"), supervised.wait_child("queue"), supervised.wait_helper("queue")
    assert supervised.stop() == 0
    assert gone(web)
    assert gone(queue)
    wait_until(lambda: gone(helper), "the end of its helper")


def test_the_work_of_each_second_goes_on_meanwhile(supervised: Supervised) -> None:
    supervised.begin(supervised.child("web", "dies"))
    wait_until(lambda: (supervised.folder / "seconds").exists() and (supervised.folder / "seconds").read_text() > "x", "a second")
    supervised.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells a process that its parent has died.")
def test_kill_9_of_the_supervisor_ends_its_children(supervised: Supervised) -> None:
    supervised.begin(supervised.child("web"), supervised.child("queue"))
    children = [supervised.wait_child("web"), supervised.wait_child("queue")]
    assert supervised.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: all(map(gone, children)), "the end of the children")
    assert (supervised.folder / "web.ended").read_text() == "politely"

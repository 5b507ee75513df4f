"""Workers as processes of this machine, with a small program in the agent's place."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any  # Any: what the program says of itself.

import psutil
import pytest

from portal.backends import LIMITS
from portal.backends.local import PASSED_ON, LocalBackend
from portal.core.errors import LaunchFailed
from portal.core.ports import EngineTools, WorkerHandle, WorkerStatus
from tests.core.plans import plan
from tests.fakes import wait_until

# Says who and where it is; with a helper of its own. SIGTERM ends it with a word, as it ends an agent.
AGENT = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
slot = sys.argv[sys.argv.index("--slot") + 1]
if "fails" in os.environ.get("TZ", ""):
    sys.exit("cannot start")
helper = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"], start_new_session=True)
def end(*_):
    helper.kill()
    print("told to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
facts = {"argv": sys.argv[1:], "env": dict(os.environ), "helper": helper.pid, "sid": os.getsid(0), "pid": os.getpid()}
Path(f"draft-{slot}").write_text(json.dumps(facts))
os.rename(f"draft-{slot}", f"facts-{slot}.json")
while True:
    time.sleep(1)
"""
TOOLS = EngineTools(k6="/opt/k6", node="/opt/node", artillery="/opt/artillery")
PLAN = plan(run_id="run1", workers=3)


class Place:
    """A backend whose agent is AGENT, and all that was started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = folder / "runner_images" / "agent"
        package.mkdir(parents=True)
        (package / "__main__.py").write_text(AGENT)
        self.handles: tuple[WorkerHandle, ...] = ()

    def backend(self, **changes: Any) -> LocalBackend:
        """A new one each time: none remembers anything."""
        usual: dict[str, Any] = {
            "store_url": "file:///store", "work_dir": self.folder / "work", "tools": TOOLS, "root": self.folder,
            "python": sys.executable,
        }  # fmt: skip
        return LocalBackend("lambda", **{**usual, **changes})

    def launch(self, *slots: int, epoch: int = 1) -> tuple[WorkerHandle, ...]:
        started = self.backend().launch(PLAN, slots, epoch)
        self.handles += started
        for slot in slots:
            wait_until((self.folder / f"facts-{slot}.json").exists, f"worker {slot}")
        return started

    def facts(self, slot: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"facts-{slot}.json").read_text())
        return found

    def wait_gone(self, *handles: WorkerHandle) -> None:
        wait_until(lambda: set(self.backend().poll(handles).values()) == {WorkerStatus.GONE}, "the workers' end")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.backend().stop(made.handles, hard=True)
    for facts in made.folder.glob("facts-*.json"):  # An engine dies with its agent; a helper of these has nobody who sees to it.
        with contextlib.suppress(psutil.NoSuchProcess):
            helper = psutil.Process(json.loads(facts.read_text())["helper"])
            if "time.sleep(600)" in " ".join(helper.cmdline()):
                helper.kill()


def pid_of(handle: WorkerHandle) -> int:
    return int(handle.reference.partition(":")[0])


def test_every_backends_name_has_its_own_limits_here() -> None:
    for name, limits in LIMITS.items():
        backend = LocalBackend(name, store_url="", work_dir=Path(), tools=TOOLS, root=Path(), python="")
        assert (backend.name, backend.limits) == (name, limits)


def test_each_slot_gets_a_worker_that_knows_what_it_must(place: Place) -> None:
    handles = place.launch(0, 2, epoch=3)
    assert [(handle.slot, handle.epoch) for handle in handles] == [(0, 3), (2, 3)]
    assert place.facts(2)["pid"] == pid_of(handles[1])
    words = place.facts(2)["argv"]
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert int(given.pop("--cores")) > 0
    assert int(given.pop("--memory")) > 0
    assert given == {
        "--store": "file:///store", "--run": "run1", "--slot": "2", "--epoch": "3", "--work-dir": str(place.folder / "work"),
    }  # fmt: skip


def test_the_environment_is_what_the_agent_needs_and_no_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "KNOPFDRUCK_STORE", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    place.launch(0)
    found = place.facts(0)["env"]
    ours = {"K6_BIN", "NODE_BIN", "ARTILLERY_BIN", "PYTHONUNBUFFERED", "OPENBLAS_NUM_THREADS", "KNOPFDRUCK_K6_MEASURE"}
    of_shell_and_python = {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert set(found) <= {*PASSED_ON, *ours, *of_shell_and_python}
    assert "secret" not in found.values()
    assert (found["AWS_REGION"], found["K6_BIN"], found["NODE_BIN"]) == ("eu-central-1", "/opt/k6", "/opt/node")


def test_a_handle_is_good_in_every_other_process(place: Place) -> None:
    (handle,) = place.launch(1)
    again = WorkerHandle(handle.slot, handle.epoch, str(handle.reference))
    assert place.backend().poll((again,)) == {1: WorkerStatus.ALIVE}
    place.backend().stop((again,), hard=True)
    place.wait_gone(handle)
    assert place.backend().poll((again,)) == {1: WorkerStatus.GONE}


def test_a_reused_pid_is_not_the_worker(place: Place) -> None:
    (handle,) = place.launch(0)
    pid, _, started = handle.reference.partition(":")
    older = WorkerHandle(0, 1, f"{pid}:{float(started) - 100:.2f}")
    assert place.backend().poll((older,)) == {0: WorkerStatus.GONE}
    place.backend().stop((older,), hard=True)
    assert place.backend().poll((handle,)) == {0: WorkerStatus.ALIVE}


@pytest.mark.parametrize("reference", ["", "nonsense", "12", "12:", "-1:0", "99999999999999999999:1", "1:abc", "4194303:1.0"])
def test_a_reference_that_names_nobody_is_gone_and_stopping_it_is_fine(place: Place, reference: str) -> None:
    handle = WorkerHandle(5, 1, reference)
    assert place.backend().poll((handle,)) == {5: WorkerStatus.GONE}
    place.backend().stop((handle,), hard=True)


def test_a_soft_stop_lets_the_worker_say_its_last_word(place: Place) -> None:
    handles = place.launch(0, 1)
    place.backend().stop(handles[:1], hard=False)
    place.wait_gone(handles[0])
    log = place.folder / "work" / "run1" / "agent-0-1.log"
    assert log.read_text() == "told to end\n"
    assert place.backend().poll(handles)[1] is WorkerStatus.ALIVE
    place.backend().stop(handles, hard=False)
    place.wait_gone(*handles)


def test_a_hard_stop_ends_the_worker_and_all_below_it(place: Place) -> None:
    (handle,) = place.launch(0)
    helper = psutil.Process(place.facts(0)["helper"])
    place.backend().stop((handle,), hard=True)
    place.wait_gone(handle)
    wait_until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, "the helper's end")
    assert "told" not in (place.folder / "work" / "run1" / "agent-0-1.log").read_text()


def test_a_worker_is_nobodys_child(place: Place) -> None:
    """A launcher that dies takes no worker with it, and one that never waits keeps no zombie of it."""
    (handle,) = place.launch(0)
    pid = pid_of(handle)
    assert pid not in [child.pid for child in psutil.Process().children(recursive=True)]
    assert place.facts(0)["sid"] != os.getsid(0)
    place.backend().stop((handle,), hard=True)
    place.wait_gone(handle)
    assert not [child for child in psutil.Process().children() if child.pid == pid]


LAUNCH = """
import sys
from pathlib import Path
from portal.backends.local import LocalBackend
from portal.core.ports import EngineTools
from tests.core.plans import plan
folder = Path(sys.argv[1])
where = {"store_url": "file:///s", "work_dir": folder / "work", "root": folder}
backend = LocalBackend("lambda", tools=EngineTools(), python=sys.executable, **where)
print(backend.launch(plan(run_id="run1"), (0,), 1)[0].reference, flush=True)
sys.stdin.readline()
"""


def test_a_worker_outlives_its_launchers_kill_9(place: Place) -> None:
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", LAUNCH, str(place.folder)]
    with subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        handle = WorkerHandle(0, 1, launcher.stdout.readline().strip())
        place.handles = (handle,)
        wait_until((place.folder / "facts-0.json").exists, "the worker")
        launcher.kill()
    assert place.backend().poll((handle,)) == {0: WorkerStatus.ALIVE}


def test_a_worker_that_ends_at_once_is_gone_and_its_words_are_in_its_log(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "fails")
    handles = place.backend().launch(PLAN, (0,), 1)
    place.wait_gone(*handles)
    assert (place.folder / "work" / "run1" / "agent-0-1.log").read_text() == "cannot start\n"


def test_what_cannot_be_started_is_a_failed_launch(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for changes in ({"work_dir": tmp_path / "file"}, {"root": tmp_path / "nowhere"}, {"python": "/nowhere/python"}):
        with pytest.raises(LaunchFailed, match="could not be started"):
            place.backend(**changes).launch(PLAN, (0,), 1)


def test_a_worker_that_a_launch_started_before_it_died_is_found_and_not_started_again(place: Place) -> None:
    first = place.launch(0, 1)
    again = place.launch(0, 1, 2)
    assert again[:2] == first
    assert pid_of(again[2]) not in map(pid_of, first)
    assert [pid_of(handle) for handle in place.launch(1, epoch=2)] != [pid_of(first[1])], "of another epoch it is another"
    place.backend().stop(first, hard=True)
    place.wait_gone(*first)
    assert pid_of(place.launch(0)[0]) != pid_of(first[0]), "who ended is not there to be found"

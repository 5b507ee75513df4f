"""The emulator ends with whoever started it, and takes along what ran in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra_gen.emulator.process import CHECKOUT, HOW_TO_GET_IT, Emulator, EmulatorFailed, is_installed
from tests.infra.emulator import templates
from tests.infra.emulator.conftest import clients_of, eventually
from tests.infra.emulator.test_functions import zipped
from tests.infra.emulator.test_tasks import register, shell, start

pytestmark = pytest.mark.emulator
HOLDER = """
import sys, time
from infra_gen.emulator.process import Emulator
running = Emulator(sys.argv[1])
running.start()
print(running.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")


def test_the_end_of_the_emulator_is_the_end_of_its_instances_and_of_its_temporary_files(tmp_path: Path) -> None:
    with Emulator(tmp_path) as running:
        templates.deploy(clients_of(running), templates.group(1))
        [instance] = [each["instance"] for each in running.instances()]
        units = tmp_path / "instances" / instance / "units" / "probe.json"
        assert eventually(units.exists)
        below = _processes_naming(str(tmp_path))
        assert len(below) > 1

    assert eventually(lambda: not _processes_naming(str(tmp_path)))
    assert not (tmp_path / "tmp").exists()


IN_THE_BACKGROUND = "import subprocess\ndef handle(event, context): subprocess.Popen(['setsid', 'sleep', '300'])\n"


def test_what_a_killed_emulator_leaves_is_ended_and_nothing_of_anybody_else(tmp_path: Path) -> None:
    running, stranger = Emulator(tmp_path / "ours"), subprocess.Popen(["sleep", "60"], env={"A": f"{tmp_path}/ours-not"})
    running.start()
    try:
        aws = clients_of(running)
        start(aws, register(aws, shell("setsid sleep 300 & sleep 300")))
        templates.deploy(aws, templates.group(1))
        zip_file = zipped({"entry.py": IN_THE_BACKGROUND})
        aws("lambda").create_function(FunctionName="f", Runtime="python3.12", Role="arn:aws:iam::000000000000:role/r",
                                      Handler="entry.handle", Code={"ZipFile": zip_file})  # fmt: skip
        assert "FunctionError" not in aws("lambda").invoke(FunctionName="f")
        assert eventually(lambda: len(_asleep(running.dir)) == 3), _asleep(running.dir)

        os.kill(running.pid, signal.SIGKILL)
        assert eventually(lambda: not Path(f"/proc/{running.pid}/exe").exists())
        assert _asleep(running.dir), "else there would be nothing to end"
        running.stop()

        assert not _processes_naming(f"{running.dir}/")
        assert stranger.poll() is None
    finally:
        running.stop()
        stranger.kill()
        stranger.wait()


def _asleep(folder: Path) -> list[int]:
    """Processes `sleep 300` that carry the folder in their environment."""
    line = b"sleep\x00300\x00"
    return [pid for pid in _processes_naming(f"{folder}/") if Path(f"/proc/{pid}/cmdline").read_bytes() == line]


def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())

    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()

    assert eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_the_command_says_where_it_is_and_ends_by_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra_gen.emulator", "--port", "0", "--dir", str(tmp_path)]
    running = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline().startswith("AWS is at http://127.0.0.1:")

    running.terminate()

    assert running.wait(20) == 0
    running.stdout.close()
    assert not _processes_naming(str(tmp_path))


def test_a_notice_for_an_instance_that_is_not_there_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with Emulator(tmp_path) as running, pytest.raises(EmulatorFailed, match="no running instance 'i-0'"):
        running.spot_notice("i-0")


def _processes_naming(text: str) -> list[int]:
    """By environment, which every process that the emulator starts inherits or is given."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if text.encode() in environ.read_bytes() and int(environ.parent.name) != os.getpid():
                found.append(int(environ.parent.name))
        except (OSError, ValueError):
            time.sleep(0)
    return found

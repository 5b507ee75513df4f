"""The sandbox with real processes of this Python."""

from __future__ import annotations

import sys

import pytest

from portal.backends.sandbox import MOST_OUTPUT, HostSandbox
from portal.core.errors import EngineMissing, ScriptInvalid
from portal.core.ports import Finished


def run(
    code: str, *, seconds: float = 30, keep: tuple[str, ...] = (), files: dict[str, bytes] | None = None, **environment: str
) -> Finished:
    return HostSandbox().run(
        (sys.executable, "-I", "-c", code), files=files or {}, environment=environment, seconds=seconds, keep=keep
    )


def test_files_are_there_and_wanted_ones_come_back() -> None:
    code = "import pathlib; pathlib.Path('out.txt').write_text(pathlib.Path('deep/in.txt').read_text().upper()); print('said')"
    done = run(code, files={"deep/in.txt": b"abc"}, keep=("out.txt", "never.txt"))
    assert (done.exit_code, done.stdout, done.files) == (0, "said\n", {"out.txt": b"ABC"})


def test_the_environment_is_what_was_given_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET", "s3cr3t")
    done = run(
        "import os; print(sorted(os.environ)); print(os.environ['HOME'] == os.getcwd())", TARGET_SHOP="http://x", LC_ALL="C"
    )
    names = done.stdout.splitlines()[0]
    assert "PORTAL_SECRET" not in names
    assert all(name in names for name in ("HOME", "PATH", "TARGET_SHOP", "TMPDIR"))
    assert done.stdout.splitlines()[1] == "True"


def test_a_failing_command_hands_back_its_code_and_words() -> None:
    done = run("import sys; sys.exit('went wrong')")
    assert (done.exit_code, done.stderr) == (1, "went wrong\n")


def test_a_command_that_does_not_end_is_stopped_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    with pytest.raises(ScriptInvalid, match="was not read within 1 seconds"):
        run(code, seconds=1)


def test_a_child_that_outlives_the_command_does_not_hold_it_up() -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('done')"
    assert run(code).stdout == "done\n"


def test_endless_output_is_cut_and_does_not_block() -> None:
    done = run("import sys; [sys.stdout.write('x' * 65536) for _ in range(64)]")
    assert len(done.stdout) == MOST_OUTPUT


@pytest.mark.parametrize("name", ["../up.js", "/abs.js", "a/../../b.js", "", ".", "a\\b.js", "nul\x00.js"])
def test_names_outside_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ScriptInvalid):
        run("pass", files={name: b""})


@pytest.mark.parametrize("program", ["", "/nowhere/k6"])
def test_a_program_that_is_not_there_is_told_with_a_way_out(program: str) -> None:
    with pytest.raises(EngineMissing) as error:
        HostSandbox().run((program,), files={}, environment={}, seconds=5)
    assert "make setup" in error.value.hint

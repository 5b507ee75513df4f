"""A script that is being checked reads nothing but its own files: not this process's environment, not the database beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from portal import landlock
from portal.backends.sandbox import HostSandbox
from portal.core.errors import ScriptInvalid
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.engines.k6 import ARCHIVE, K6

pytestmark = pytest.mark.skipif(not landlock.is_there(), reason="This kernel has no Landlock.")
TRY = "import sys\ntry: print(open(sys.argv[1], sys.argv[2]).read(1) and 'read')\nexcept OSError as error: print(error.strerror)"


def tried(path: str, mode: str = "r") -> str:
    argv = (sys.executable, "-I", "-c", TRY, path, mode)
    done = HostSandbox().run(argv, files={"own.txt": b"x"}, environment={}, seconds=30)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/{ours}/environ", "/proc/self/environ", "/proc/1/cmdline"])
def test_what_is_not_its_own_cannot_be_read(path: str) -> None:
    assert tried(path.format(ours=os.getpid())) == "Permission denied"


def test_a_neighbours_file_can_neither_be_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").write_text("secret")
    assert tried(str(tmp_path / "portal.sqlite3")) == "Permission denied"
    assert tried(str(tmp_path / "portal.sqlite3"), "w") == "Permission denied"
    assert tried(str(tmp_path / "new"), "w") == "Permission denied"
    assert [path.name for path in tmp_path.iterdir()] == ["portal.sqlite3"]


def test_its_own_can_be_read() -> None:
    assert tried("own.txt") == "read"


@pytest.mark.engines
@pytest.mark.parametrize("where", ["/etc/passwd", "/proc/{ours}/environ"])
def test_k6_packs_and_tells_nothing_of_this_machine(where: str) -> None:
    where = where.format(ours=os.getpid())
    program = Path(sys.executable).with_name("k6")
    if not program.exists():
        pytest.skip("k6 is not installed")
    engine = K6(EngineTools(k6=str(program)))
    packs = ScriptSource(
        "k6", "main.js", f"let all = ''; try {{ all = open('{where}') }} catch (e) {{}}\nexport default () => all;"
    )
    archive = engine.bundle(packs, None, {}, HostSandbox())[ARCHIVE]
    assert b"root:" not in archive
    assert b"PATH=" not in archive
    tells = ScriptSource("k6", "main.js", f"throw new Error(open('{where}'));\nexport default () => 1;")
    with pytest.raises(ScriptInvalid, match="permission denied"):
        engine.inspect(tells, None, {}, HostSandbox())

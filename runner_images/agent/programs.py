"""Which engine programs a worker runs: those it is told, else those it finds; of k6 the version the run asks for.

`K6_VERSION` (a parameter of the environment or of the run: 1, 2 or 2.2.0) names a folder below /opt/k6; an image holds
one for each version. Layers and zips of Lambda may lose the right to execute: then a copy of the program is run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from portal.core.errors import EngineMissing
from portal.core.plan import LoadPlan
from portal.core.ports import EngineTools
from portal.tools import find_tools

VERSIONS = "/opt/k6"
VARIABLE = "K6_VERSION"


def tools_for(plan: LoadPlan, tools: EngineTools, environ: Mapping[str, str]) -> EngineTools:
    """The tools of this worker for this run; raises EngineMissing when the version asked for is not here."""
    if plan.engine != "k6":
        found = find_tools(node=tools.node, artillery=tools.artillery)
        return replace(tools, node=found.node, artillery=found.artillery)
    wanted = plan.parameters.get(VARIABLE) or environ.get(VARIABLE, "")
    program = _of_version(wanted, Path(environ.get("K6_VERSIONS") or VERSIONS)) if wanted else tools.k6 or find_k6(environ)
    return replace(tools, k6=_runnable(program))


def find_k6(environ: Mapping[str, str]) -> str:
    """Where a layer, a package or this machine has it; empty when nowhere."""
    found = next((str(path) for path in _places(environ) if path.is_file()), "")
    return found or find_tools().k6


def _places(environ: Mapping[str, str]) -> Iterator[Path]:
    """`_LAMBDA_LAYERS_DIRS` is where an emulator unpacks what AWS unpacks at /opt."""
    yield Path("/opt/bin/k6")
    if root := environ.get("LAMBDA_TASK_ROOT"):
        yield Path(root, "bin/k6")
    for folder in environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep):
        if folder:
            yield Path(folder, "bin/k6")


def _of_version(wanted: str, folder: Path) -> str:
    """The newest below `folder` that is or begins with what is wanted: 2 is any 2.x."""
    asked = _numbers(wanted)
    here = {_numbers(path.name): path for path in folder.glob("*") if (path / "k6").is_file() and _numbers(path.name)}
    fitting = [numbers for numbers in here if asked and numbers[: len(asked)] == asked]
    if not fitting:
        names = ", ".join(path.name for _, path in sorted(here.items())) or "none"
        raise EngineMissing(f"k6 {wanted[:20]} is not on this worker.", hint=f"Versions in {folder}: {names}. Change {VARIABLE}.")
    return str(here[max(fitting)] / "k6")


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.removeprefix("v").split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _runnable(program: str) -> str:
    """The program, or a copy of it that may be executed; one copy for each size and time of the original."""
    if not program or os.access(program, os.X_OK) or not os.path.isfile(program):
        return program
    about = os.stat(program)
    copy = Path(tempfile.gettempdir(), f"k6-{about.st_size}-{about.st_mtime_ns}", "k6")
    if not os.access(copy, os.X_OK):
        copy.parent.mkdir(mode=0o755, exist_ok=True)
        draft = copy.with_suffix(f".{os.getpid()}")
        shutil.copyfile(program, draft)
        draft.chmod(0o755)
        draft.replace(copy)
    return str(copy)

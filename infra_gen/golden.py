"""The templates as they were last looked at, in tests/golden/templates: a change of them is seen in review, not after it.

The folder of dev holds all stacks, those of the other presets only what differs from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from infra_gen.main import compose
from infra_gen.parameters import PRESETS

FOLDER: Final = Path(__file__).resolve().parents[1] / "tests" / "golden" / "templates"
WHOLE: Final = "dev"


@cache
def golden_files() -> dict[str, str]:
    """What must lie in the folder, by path."""
    bodies = {name: {stack.name: stack.body for stack in compose(preset)} for name, preset in PRESETS.items()}
    return {
        f"{preset}/{stack}.json": body
        for preset, stacks in bodies.items()
        for stack, body in stacks.items()
        if preset == WHOLE or body != bodies[WHOLE].get(stack)
    }


def differences(folder: Path = FOLDER) -> tuple[str, ...]:
    """Paths that are missing, too many or different."""
    wanted, found = golden_files(), _found(folder)
    return tuple(sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path)))


def write(folder: Path = FOLDER) -> tuple[str, ...]:
    """Makes the folder right; gives the paths that changed."""
    wanted, changed = golden_files(), differences(folder)
    for path in changed:
        if path in wanted:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(wanted[path])
        else:
            (folder / path).unlink()
    return changed


def _found(folder: Path) -> Mapping[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.json"))}

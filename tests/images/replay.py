"""Carries out a Dockerfile without Docker: the same files, steps and variables, as plain processes in a folder for each stage.

What administers a base image (users, system packages) is left out by name, for it would administer this machine. Absolute paths
of the image are found below the stage's folder; steps name everything relative to their WORKDIR, so none has to be rewritten.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADMINISTRATION = ("groupadd", "useradd", "apt-get", "dnf", "apk", "microdnf")
ROOTS = ("/app", "/data")


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of the JSON form, else as a shell would split it."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text)


def read_steps(path: Path) -> list[Step]:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [
        Step(name.upper(), text.strip())
        for line in joined.splitlines()
        if line.strip()
        for name, _, text in [line.strip().partition(" ")]
    ]


@dataclass
class Stage:
    """One FROM: its folder stands for `/`."""

    name: str
    root: Path
    environment: dict[str, str]
    place: Path = field(init=False)
    user: str = ""
    health: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = self.root

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/") if path.startswith("/") else self.place / path

    def mapped(self, text: str) -> str:
        """Absolute paths of the image in a variable's value."""
        return (
            ":".join(str(self.root) + part if part.startswith(ROOTS) else part for part in text.split(":"))
            if "/" in text
            else text
        )


def replay(dockerfile: Path, folder: Path, arguments: Mapping[str, str] | None = None) -> dict[str, Stage]:
    """All stages, built with these build arguments. A step that fails is the assertion's message."""
    stages: dict[str, Stage] = {}
    stage = Stage("", folder, {})
    for step in read_steps(dockerfile):
        match step.name:
            case "FROM":
                base, *_, name = step.text.split()
                stage = stages[name] = _begin(name, folder, stages.get(base))
            case "ARG":
                name, _, usual = step.text.partition("=")
                stage.environment[name] = (arguments or {}).get(name, usual)
            case "WORKDIR":
                stage.place = stage.at(step.text)
                stage.place.mkdir(parents=True, exist_ok=True)
            case "ENV":
                _set(stage, step)
            case "COPY":
                _copy(stage, step, stages)
            case "RUN":
                _run(stage, step)
            case "USER":
                stage.user = step.text
            case "HEALTHCHECK":
                stage.health = Step("CMD", step.text.split(" CMD ", 1)[1].strip()).words
            case "CMD":
                stage.command = step.words
            case "VOLUME" | "EXPOSE" | "LABEL" | "STOPSIGNAL":
                pass
            case name:
                raise AssertionError(f"{name} is carried out by nobody here; teach replay.py about it")
    return stages


def _begin(name: str, folder: Path, base: Stage | None) -> Stage:
    """An empty stage, or one that goes on where another ended."""
    root = folder / name
    if base is None:
        root.mkdir()
        return Stage(name, root, _base(folder))
    shutil.copytree(base.root, root, symlinks=True, copy_function=_link)
    moved = {key: value.replace(str(base.root), str(root)) for key, value in base.environment.items()}
    stage = Stage(name, root, moved, user=base.user, health=base.health, command=base.command)
    stage.place = root / base.place.relative_to(base.root)
    return stage


def _link(origin: str, goal: str) -> None:
    """The same file: a stage adds to what it begins with and changes none of it, and node_modules are large."""
    if os.path.islink(origin):
        os.symlink(os.readlink(origin), goal)
    else:
        os.link(origin, goal)


def _base(folder: Path) -> dict[str, str]:
    """What the base images bring: `python`, `node` and `npm` on PATH."""
    shims = folder / "base"
    shims.mkdir(exist_ok=True)
    if not (shims / "python").is_symlink():
        (shims / "python").symlink_to(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    return {"PATH": f"{shims}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}


def _set(stage: Stage, step: Step) -> None:
    for pair in step.words:
        name, _, value = pair.partition("=")
        value = value.replace("$PATH", "\0")
        mapped = re.sub(r"\$(\w+)", lambda found: stage.environment[found[1]], stage.mapped(value))
        stage.environment[name] = mapped.replace("\0", stage.environment["PATH"])


def _copy(stage: Stage, step: Step, stages: dict[str, Stage]) -> None:
    words = step.words
    if words[0].startswith("--from=") and "/" in words[0]:
        return  # From an image of others, which nobody has here.
    source = stages[words.pop(0).partition("=")[2]] if words[0].startswith("--from=") else None
    *names, target = words
    for name in names:
        origin = source.at(name) if source else ROOT / name
        goal = stage.at(target) / Path(name).name if target.endswith("/") else stage.at(target)
        if origin.is_dir():
            shutil.copytree(
                origin, goal, symlinks=True, ignore=None if source else shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
            )
        else:
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, goal)


def _run(stage: Stage, step: Step) -> None:
    if step.text.startswith(ADMINISTRATION):
        return
    done = subprocess.run(
        ["bash", "-euc", step.text], cwd=stage.place, env=stage.environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"RUN {step.text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    stage.done.append(step.text)


def as_user(user: str, words: Iterable[str]) -> list[str]:
    """The command under the image's user where this is root, which may write nothing that is not its own.

    Reading is left free: the Python of this machine may lie where only root looks.
    """
    if os.getuid() != 0:
        return list(words)
    uid, _, gid = user.partition(":")
    return ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups", "--no-new-privs",
            "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--", *words]  # fmt: skip

"""The part of systemd's unit files that a worker's service uses: what to start, with which environment, and whether again."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
UNITS = CHECKOUT / "runner_images" / "ec2"
PYTHON = CHECKOUT / ".venv" / "bin" / "python"
DEFAULT_COMMAND = (str(PYTHON), "-m", "runner_images.pool")
DEFAULT_FILES = ("/etc/knopfdruck/worker.env",)
LOG_AGENT = "amazon-cloudwatch-agent"
LOG_FOLDER = "var/log/knopfdruck"
DEFAULT_STOP_SECONDS, DEFAULT_RESTART_SECONDS, LOG_AGENT_STOP_SECONDS = 90.0, 0.1, 5.0


@dataclass(frozen=True)
class Unit:
    """`environment_files` are named as on the instance; a leading `-` means that one may be missing."""

    name: str
    command: tuple[str, ...]
    environment_files: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    restart: str
    restart_seconds: float
    stop_seconds: float
    output: str = ""
    """Where its output goes, as on the instance; empty: nowhere but to the emulator's own file."""
    ends_the_machine: bool = False
    """`SuccessAction=poweroff`: when it ends well, so does the instance."""

    def environment(self, root: Path) -> dict[str, str]:
        found = dict(self.settings)
        for name in self.environment_files:
            path = root / name.lstrip("-").lstrip("/")
            if path.exists() or not name.startswith("-"):
                found |= read_environment(path.read_text())
        return found

    def log(self, root: Path) -> Path:
        return root / (self.output.lstrip("/") if self.output else f"{self.name}.log")

    def starts_again_after(self, exit_code: int | None) -> bool:
        return self.restart == "always" or (self.restart in ("on-failure", "on-abnormal") and bool(exit_code))


def read_unit(name: str, root: Path) -> Unit:
    """From the instance's own folder, or as the image would carry it; without a file, the worker as the stack means it."""
    if name == LOG_AGENT:
        command = (sys.executable, "-m", "infra_gen.emulator.host.cloudwatch_agent", str(root))
        return Unit(name, command, (), (), "on-failure", DEFAULT_RESTART_SECONDS, LOG_AGENT_STOP_SECONDS)
    candidates = [folder / f"{name}.service" for folder in (root / "etc/systemd/system", UNITS)]
    path = next((path for path in candidates if path.exists()), None)
    if path is None:
        return Unit(name, DEFAULT_COMMAND, DEFAULT_FILES, (), "no", DEFAULT_RESTART_SECONDS, DEFAULT_STOP_SECONDS)
    text = path.read_text()
    entries, about = _section(text, "Service"), _section(text, "Unit")
    settings = [tuple(word.split("=", 1)) for line in entries.get("Environment", []) for word in shlex.split(line)]
    return Unit(
        name,
        _command(entries["ExecStart"][-1]),
        tuple(entries.get("EnvironmentFile", [])),
        tuple((key, value) for key, value in settings),
        entries.get("Restart", ["no"])[-1],
        _seconds(entries.get("RestartSec", ["0.1"])[-1]),
        _seconds(entries.get("TimeoutStopSec", ["90"])[-1]),
        entries.get("StandardOutput", [""])[-1].removeprefix("append:"),
        about.get("SuccessAction", ["none"])[-1].startswith("poweroff"),
    )


def read_environment(text: str) -> dict[str, str]:
    """systemd's own form: NAME=value, quotes around the value are dropped, `#` begins a comment line."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split("=", 1) for line in lines if line and line[0] not in "#;" and "=" in line]
    return {name.strip(): _unquoted(value.strip()) for name, value in pairs}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _section(text: str, name: str) -> dict[str, list[str]]:
    """Every value of a key in order: unit files may repeat them."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped.strip("[]")
        elif section == name and "=" in stripped and stripped[0] not in "#;":
            key, value = stripped.split("=", 1)
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def _command(line: str) -> tuple[str, ...]:
    """The image's interpreter is the checkout's here."""
    program, *words = shlex.split(line.lstrip("-@:+!"))
    return (str(PYTHON) if Path(program).name.startswith("python") else program, *words)


def _seconds(text: str) -> float:
    units = {"ms": 0.001, "min": 60.0, "m": 60.0, "s": 1.0}
    for ending, factor in units.items():
        if text.endswith(ending):
            return float(text.removesuffix(ending)) * factor
    return float(text)

"""Which program of the checkout stands for an image: the last part of the repository's name decides, as an entry point would.

Workers run here. The portal's image does not: its database does not answer on this machine, and a portal that found the
checkout's own would be worse than none. A service of an image that is not here fails to start, as with a registry that lacks it.
"""

from __future__ import annotations

from infra_gen.emulator.plugins.host_process import PYTHON

WORKER = (str(PYTHON), "-m", "runner_images.task")
IMAGES = {"artillery": WORKER, "fargate": WORKER}


def argv(image: str, command: list[str] | str | None) -> tuple[str, ...]:
    """A command of the task takes the place of the image's own, unless it begins with an option; `python` is the checkout's."""
    name = image.split("@")[0].rsplit("/", 1)[-1].split(":")[0]
    entry = next((program for ending, program in IMAGES.items() if name.endswith(ending)), None)
    if entry is None:
        raise LookupError(f"pull access denied for {image}, repository does not exist (this machine runs: {', '.join(IMAGES)})")
    given = [command] if isinstance(command, str) else list(command or [])
    return (*entry, *given) if not given or given[0].startswith("-") else as_command(given)


def as_command(words: list[str]) -> tuple[str, ...]:
    return (str(PYTHON), *words[1:]) if words[0] in ("python", "python3") else tuple(words)

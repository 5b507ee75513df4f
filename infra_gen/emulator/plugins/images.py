"""Which program of the checkout stands for an image: the last part of the repository's name decides, as an entry point would."""

from __future__ import annotations

from infra_gen.emulator.plugins.host_process import CHECKOUT, PYTHON

WORKER = (str(PYTHON), "-m", "runner_images.task")
PORTAL = (str(PYTHON), str(CHECKOUT / "manage.py"), "portal")
IMAGES = {"artillery": WORKER, "fargate": WORKER, "portal": PORTAL}


def argv(image: str, command: list[str] | str | None) -> tuple[str, ...]:
    """A command of the task takes the place of the image's own, unless it begins with an option; `python` is the checkout's."""
    given = [command] if isinstance(command, str) else list(command or [])
    if given and given[0] in ("python", "python3"):
        return (str(PYTHON), *given[1:])
    if given and given[0].startswith("/"):
        return tuple(given)
    name = image.split("@")[0].rsplit("/", 1)[-1].split(":")[0]
    entry = next((program for ending, program in IMAGES.items() if name.endswith(ending)), None)
    if entry is None:
        raise LookupError(f"pull access denied for {image}, repository does not exist (this machine runs: {', '.join(IMAGES)})")
    return (*entry, *given)

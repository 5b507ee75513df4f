"""python -m infra_gen render|check|parameters: writes the templates, proves them, or prints what can be said about them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra_gen.main import compose
from infra_gen.parameters import PRESETS
from infra_gen.stack import Stack


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra_gen", description=__doc__)
    commands = parser.add_subparsers(required=True)
    render = commands.add_parser("render", help="write the root's template and the nested ones")
    render.add_argument("--env", required=True, choices=PRESETS, help="whose presets")
    render.add_argument("--out", type=Path, help="a folder; without it the names and sizes are printed only")
    render.set_defaults(act=_render)
    given = parser.parse_args(arguments)
    return int(given.act(given))


def _render(given: argparse.Namespace) -> int:
    for stack in compose(PRESETS[given.env]):
        if given.out:
            _write(given.out, stack)
        print(f"{stack.name:16} {len(stack.body):8,} bytes {len(stack.template.resources):4} resources  {stack.digest[:12]}")
    return 0


def _write(folder: Path, stack: Stack) -> None:
    """The root under its own name, for people; children under the keys the root knows them by."""
    path = folder / (f"{stack.name}.json" if stack.name == "main" else stack.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stack.body)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""python -m infra_gen: writes the templates, proves them, or prints what can be said about them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from infra_gen import golden, tables
from infra_gen.main import compose
from infra_gen.names import ROOT_STACK
from infra_gen.parameters import PRESETS
from infra_gen.permissions import deploy_policy
from infra_gen.stack import Stack


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    return int(given.act(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra_gen", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    render = commands.add_parser("render", help="write the root's template and the nested ones")
    render.add_argument("--env", required=True, choices=PRESETS, help="whose presets")
    render.add_argument("--out", type=Path, help="a folder; without it names and sizes are printed only")
    render.set_defaults(act=_render)
    plain = {
        "check": (_check, "prove all presets by our own rules; exit code 1 when something is wrong"),
        "parameters": (_parameters, "print all parameters as a table"),
        "permissions": (_permissions, "print the policy that whoever deploys needs"),
        "golden": (_golden, "write tests/golden/templates anew, to be looked at and committed"),
        "readme": (_readme, "write the made tables of infra_gen/README.md anew"),
    }
    for name, (act, text) in plain.items():
        commands.add_parser(name, help=text).set_defaults(act=act)
    return parser


def _render(given: argparse.Namespace) -> int:
    for stack in compose(PRESETS[given.env]):
        if given.out:
            _write(given.out, stack)
        print(f"{stack.name:16} {len(stack.body):8,} bytes {len(stack.template.resources):4} resources  {stack.digest[:12]}")
    return 0


def _write(folder: Path, stack: Stack) -> None:
    """The root under its own name, for people; children under the keys the root knows them by."""
    path = folder / (f"{stack.name}.json" if stack.name == ROOT_STACK else stack.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stack.body)


def _check(given: argparse.Namespace) -> int:
    # The rules read AWS's schemas from cfn-lint, which only developers have.
    from infra_gen.checker import Tree, check

    count = 0
    for name, preset in PRESETS.items():
        for finding in check(Tree.of(compose(preset), preset)):
            count += 1
            print(f"{name}: {finding}", file=sys.stderr)
    print(f"[infra] {len(PRESETS)} presets, {count} findings")
    return 1 if count else 0


def _parameters(given: argparse.Namespace) -> int:
    print(tables.parameter_table(), end="")
    return 0


def _permissions(given: argparse.Namespace) -> int:
    print(json.dumps(deploy_policy(), indent=2))
    return 0


def _golden(given: argparse.Namespace) -> int:
    for path in golden.write():
        print(f"[infra] wrote {path}")
    return 0


def _readme(given: argparse.Namespace) -> int:
    tables.README.write_text(tables.filled(tables.README.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

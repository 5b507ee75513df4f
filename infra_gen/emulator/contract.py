"""What of ministack's private names is used here, by reading the plug-ins, and whether this ministack has them.

`python -m infra_gen.emulator.contract` inside `.venv-emulator` prints JSON: name -> its signature, or null when it is gone.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = {"contract.py", "process.py", "__main__.py"}


def private_names() -> tuple[str, ...]:
    """Every `module._name` of ministack that a plug-in reads, calls or replaces, dotted, in order."""
    found: set[str] = set()
    for path in sorted(HERE.rglob("*.py")):
        if path.name not in SKIPPED:
            found |= _names_in(ast.parse(path.read_text()))
    return tuple(sorted(found))


def _names_in(tree: ast.Module) -> set[str]:
    modules: dict[str, str] = {}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                modules[alias.asname or alias.name] = dotted
                if alias.name.startswith("_"):
                    found.add(dotted)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _is_module(modules.get(node.value.id, "")):
            found.add(f"{modules[node.value.id]}.{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "plug":
            module, name = node.args[0], node.args[1]
            if isinstance(module, ast.Name) and isinstance(name, ast.Constant):
                found.add(f"{modules[module.id]}.{name.value!s}")
    return found


def _is_module(dotted: str) -> bool:
    """A name that begins with `_` or in capitals is a table or a class; its own attributes are Python's."""
    last = dotted.rpartition(".")[2]
    return bool(last) and last[0].islower()


def signatures() -> dict[str, str | None]:
    """Of every private name, as this ministack has it: a function's parameters, or the type of anything else."""
    return {name: _signature(name) for name in private_names()}


def _signature(dotted: str) -> str | None:
    module_name, _, name = dotted.rpartition(".")
    value = getattr(importlib.import_module(module_name), name, None)
    if value is None and not hasattr(importlib.import_module(module_name), name):
        return None
    if inspect.isroutine(value):
        return str(inspect.signature(value))
    return "class" if inspect.isclass(value) else type(value).__name__


if __name__ == "__main__":
    print(json.dumps(signatures(), indent=1))

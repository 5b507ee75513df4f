"""Reads an Artillery script's YAML the way Artillery's own parser does, within bounds.

PyYAML knows YAML 1.1 and would turn `yes` into true and dates into objects; the worker's script is written out
again from what is read here, so that must not happen.
"""

from __future__ import annotations

import re
from typing import Any  # Any: foreign YAML

import yaml

from portal.core.errors import Problem, ScriptInvalid

MOST_BYTES = 512 << 10
MOST_NODES = 100_000
DEEPEST = 60


class _Loader(yaml.SafeLoader):
    """YAML's core types as js-yaml resolves them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp",
                                                                      "tag:yaml.org,2002:float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}  # fmt: skip
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?"
               r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"), list("-+0123456789."))  # fmt: skip


def read_yaml(text: str) -> dict[str, Any]:
    """Raises ScriptInvalid with the line where that is known."""
    if len(text) > MOST_BYTES:
        raise _invalid(f"The script is larger than {MOST_BYTES >> 10} KiB.", "Move data into CSV files (config.payload).")
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        place, forbidden = text.count("\n", 0, error.position) + 1, f"U+{ord(text[error.position]):04X}"
        raise _invalid(f"The script is not YAML: line {place} has a character that YAML forbids, {forbidden}.") from error
    try:
        root = loader.get_single_node()
        if root is not None:
            _weigh(root, {}, 0)
        found = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _invalid(f"The script is not YAML: {error.problem or error.context}{line}.") from error
    except RecursionError as error:
        raise _invalid(f"The script is nested more than {DEEPEST} levels deep.") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise _invalid(f"The script is not YAML: {error}.") from error
    finally:
        loader.dispose()
    if not isinstance(found, dict):
        raise _invalid("The script is not a mapping with config and scenarios.")
    return found


def _weigh(node: yaml.Node, seen: dict[int, int], depth: int) -> int:
    """How many nodes this one is when all its aliases are written out; a few lines of aliases can be billions."""
    if id(node) in seen:
        if not seen[id(node)]:
            raise _invalid("The script contains itself (an alias inside its own anchor).")
        return seen[id(node)]
    if depth > DEEPEST:
        raise _invalid(f"The script is nested more than {DEEPEST} levels deep.")
    seen[id(node)] = 0
    weight = 1 + sum(_weigh(child, seen, depth + 1) for child in _children(node))
    if weight > MOST_NODES:
        raise _invalid(f"The script has more than {MOST_NODES} values once its aliases are written out.")
    seen[id(node)] = weight
    return weight


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twice is not None:
        raise _invalid(f"{str(twice)[:60]!r} is given twice in line {node.start_mark.line + 1} and below.", "Keep one of them.")
    return [child for pair in node.value for child in pair]


def _invalid(message: str, hint: str = "") -> ScriptInvalid:
    return ScriptInvalid((Problem("script", message, hint),))

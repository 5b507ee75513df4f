"""A template works in any account, region and partition: it names none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra_gen.checker.tree import Finding, Tree, place, walk

# The account, the region, the partition and the domain that would be written in full.
_LITERALS = {
    "an account": re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])"),
    "a region": re.compile(
        r"\b(?:us|eu|ap|sa|ca|me|af|il|mx)(?:-gov)?-(?:north|south|east|west|central|northeast|southeast)-\d\b"
    ),
    "a partition": re.compile(r"\barn:aws(?:-cn|-us-gov)?:"),
    "a domain": re.compile(r"\bamazonaws\.com(?:\.cn)?/"),
}


def no_account_region_or_partition(tree: Tree) -> Iterator[Finding]:
    for stack, template in tree.templates():
        for section in ("Conditions", "Mappings", "Outputs", "Resources"):
            for path, value in walk(template.get(section, {})):
                if isinstance(value, str) and "Metadata" not in path:
                    for what, pattern in _LITERALS.items():
                        if found := pattern.search(value):
                            yield Finding(stack, place((section, *path)), f"names {what}: {found[0]!r}.")

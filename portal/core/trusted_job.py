"""Which jobs of which repositories an environment trusts. Exact, or by a pattern somebody wrote; never everything."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._*-]{1,100}")
_REF = re.compile(r"refs/(heads|tags|pull)/[A-Za-z0-9._/*+@-]{1,200}")
_ENVIRONMENT = re.compile(r"[^*]{1,255}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What the issuer says about a job. `environment` is the deployment environment it runs in, if any."""

    repository: str
    ref: str
    environment: str = ""

    @property
    def name(self) -> str:
        return f"github:{self.repository}@{self.environment or self.ref}"


@dataclass(frozen=True, slots=True)
class Trust:
    """An empty `ref` or `environment` is not looked at; one of the two is set."""

    repository: str
    ref: str = ""
    environment: str = ""

    def covers(self, claims: Claims) -> bool:
        asked = ((self.repository, claims.repository), (self.ref, claims.ref), (self.environment, claims.environment))
        return not self.problems() and all(_matches(pattern, word) for pattern, word in asked if pattern)

    def problems(self) -> dict[str, str]:
        """By field, what is wrong with the rule; a rule with problems covers nothing."""
        found = {}
        if not _REPOSITORY.fullmatch(self.repository) or not _says_something(self.repository.partition("/")[2]):
            found["repository"] = "Write owner/name; a star may stand for a part of the name, such as shop-*."
        if self.ref and (not _REF.fullmatch(self.ref) or not _says_something(self.ref.split("/", 2)[2])):
            found["ref"] = "Write refs/heads/main or refs/tags/v*; a star may stand for a part, never for all."
        if self.environment and not _ENVIRONMENT.fullmatch(self.environment):
            found["environment"] = "Write the name of the deployment environment, without a star."
        if not self.ref and not self.environment:
            found["ref"] = "Name a ref or a deployment environment: a repository alone is every branch of everybody."
        return found


def _says_something(pattern: str) -> bool:
    return any(sign.isalnum() for sign in pattern)


def _matches(pattern: str, word: str) -> bool:
    """A star stands for anything but a slash."""
    expression = "[^/]*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, word) is not None

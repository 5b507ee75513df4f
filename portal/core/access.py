"""Who may do what: one pure rule for the API, the admin and the command line.

A user's roles and a token's scopes both become actions; what a token may do is what both allow. What an actor may
not see is not there (NotFound); what it may see but not do is Forbidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from portal.core.errors import Forbidden, NotFound


class Action(StrEnum):
    READ = "read"
    RUN = "run"
    STOP = "stop"
    AUTHOR = "author"
    APPROVE = "approve"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token was made for. `admin` holds all others."""

    READ = "read"
    RUN = "run"
    STOP = "stop"
    AUTHOR = "author"
    ADMIN = "admin"


class Role(StrEnum):
    VIEWER = "viewer"
    RUNNER = "runner"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMIN = "admin"


ALL = frozenset(Action)
USUAL_SCOPES = (Scope.READ, Scope.RUN, Scope.STOP)
ROLES: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.RUNNER: frozenset({Action.READ, Action.RUN, Action.STOP}),
    Role.AUTHOR: frozenset({Action.READ, Action.RUN, Action.STOP, Action.AUTHOR}),
    Role.APPROVER: frozenset({Action.READ, Action.STOP, Action.APPROVE}),
    Role.ADMIN: ALL,
}


class Way(StrEnum):
    """How an actor showed who it is."""

    BROWSER = "browser"
    TOKEN = "token"
    OIDC = "oidc"
    GATEWAY = "gateway"
    COMMAND_LINE = "command line"
    SYSTEM = "system"


class Decision(StrEnum):
    ALLOWED = "allowed"
    HIDDEN = "hidden"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something, as far as rules and the audit log care."""

    name: str
    way: Way
    actions: frozenset[Action]
    environments: frozenset[str] | None = None
    """None: all, also those to come."""
    token: str = ""
    """Public part of the token's id."""
    ip: str = ""
    agent: str = ""

    def sees(self, environment: str) -> bool:
        return self.environments is None or environment in self.environments

    def decide(self, action: Action, environment: str | None = None) -> Decision:
        """`environment` None: the thing belongs to no environment. Whoever is limited to some cannot rule over all."""
        if environment is not None and not self.sees(environment):
            return Decision.HIDDEN
        reaches = environment is not None or action is not Action.ADMIN or self.environments is None
        return Decision.ALLOWED if action in self.actions and reaches else Decision.FORBIDDEN

    def must(self, action: Action, environment: str | None = None) -> None:
        """Raises NotFound for what this actor may not see, Forbidden for what it may see but not do."""
        decision = self.decide(action, environment)
        if decision is Decision.HIDDEN:
            raise NotFound("There is no such environment.")
        if decision is Decision.FORBIDDEN:
            raise Forbidden(f"{self.name} may not {_VERBS[action]}.", hint=_hint(self.way, action))

    def limited_to(self, scopes: Iterable[str], environments: Iterable[str] | None) -> Actor:
        """The same actor with no more than a token grants."""
        names = None if environments is None else frozenset(environments)
        return replace(self, actions=self.actions & actions_of_scopes(scopes), environments=names)


SYSTEM = Actor("system", Way.SYSTEM, ALL)


def actions_of_scopes(scopes: Iterable[str]) -> frozenset[Action]:
    """Words that are no scope grant nothing."""
    known = {Scope(word) for word in scopes if word in set(Scope)}
    return ALL if Scope.ADMIN in known else frozenset(Action(scope) for scope in known)


_VERBS = {
    Action.READ: "read this",
    Action.RUN: "start runs here",
    Action.STOP: "stop runs here",
    Action.AUTHOR: "change scenarios",
    Action.APPROVE: "approve runs",
    Action.ADMIN: "change settings of the portal",
}


def _hint(way: Way, action: Action) -> str:
    if way is Way.TOKEN:
        scope = Scope.ADMIN if action is Action.APPROVE else Scope(action)
        return f"It needs a token with scope {scope} whose user has a role that allows it."
    roles = ", ".join(role for role, actions in ROLES.items() if action in actions)
    return f"Roles that allow it: {roles}."

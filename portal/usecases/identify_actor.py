"""Makes the Actor of whoever asks: a user at the browser, a token's user, or somebody at this machine's command line."""

from __future__ import annotations

import getpass
from dataclasses import replace
from typing import Any  # Any: a user of whatever model

from portal.core.access import ALL, USUAL_SCOPES, Actor, Way, actions_of_scopes
from portal.core.trusted_job import Claims
from portal.models import ApiToken
from portal.models.roles import actions_of_user

LONGEST_AGENT = 200


def user_actor(user: Any, *, ip: str = "", agent: str = "", way: Way = Way.BROWSER) -> Actor:
    return Actor(user.get_username(), way, actions_of_user(user), ip=ip, agent=agent[:LONGEST_AGENT])


def token_actor(row: ApiToken, *, ip: str = "", agent: str = "") -> Actor:
    """No more than the token grants and its user may."""
    owner = user_actor(row.user, ip=ip, agent=agent, way=Way.TOKEN)
    return replace(owner.limited_to(row.scopes, row.environment_names()), token=row.public_id)


def job_actor(claims: Claims, environments: frozenset[str], *, ip: str = "", agent: str = "") -> Actor:
    """A CI job: what tokens usually may, in the environments that trust it."""
    actions = actions_of_scopes(USUAL_SCOPES)
    return Actor(claims.name[:150], Way.OIDC, actions, environments, ip=ip, agent=agent[:LONGEST_AGENT])


def command_line_actor() -> Actor:
    """Whoever can run `manage.py` owns the database anyway."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "command line"
    return Actor(name, Way.COMMAND_LINE, ALL)

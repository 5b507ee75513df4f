"""Roles as Django groups, actions as Django permissions: what `core.access` says, in the words of the admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any  # Any: a user of whatever model, and historical models in migrations

from django.contrib.auth.management import create_permissions

from portal.core.access import ROLES, Action, Role

PERMISSIONS: Mapping[Action, str] = {
    Action.READ: "portal.view_run",
    Action.RUN: "portal.add_run",
    Action.STOP: "portal.stop_run",
    Action.AUTHOR: "portal.change_scenario",
    Action.APPROVE: "portal.approve_run",
    Action.ADMIN: "portal.change_environment",
}
"""Whoever has the permission may do the action, in the admin and in the API."""

_READABLE = ("run", "scenario", "scenarioversion", "environment", "result", "worker")
_KEPT_BY_ADMINS = ("environment", "apitoken", "trustedrepository")
_OWN_TOKENS = ("portal.view_apitoken", "portal.add_apitoken", "portal.change_apitoken")


def actions_of_user(user: Any) -> frozenset[Action]:
    return frozenset(action for action, permission in PERMISSIONS.items() if user.has_perm(permission))


def permissions_of(role: Role) -> frozenset[str]:
    """`app.codename`s of the role's group: its actions, and the pages that go with them."""
    return frozenset(name for action in ROLES[role] for name in _pages(action))


def grant_roles(apps: Any) -> None:
    """For migrations: the groups, with the permissions of all models there are. Django makes those only after the last."""
    for label in ("portal", "auth"):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    create_groups(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


def create_groups(groups: Any, permissions: Any) -> None:
    """One group a role. May be repeated; permissions added by hand stay, those of models not there yet are left out."""
    for role in Role:
        group, _ = groups.get_or_create(name=str(role))
        for name in permissions_of(role):
            app, _, codename = name.partition(".")
            group.permissions.add(*permissions.filter(content_type__app_label=app, codename=codename))


def _pages(action: Action) -> Iterator[str]:
    yield PERMISSIONS[action]
    if action is Action.READ:
        yield from (f"portal.view_{model}" for model in _READABLE)
        yield from _OWN_TOKENS
    if action is Action.AUTHOR:
        yield from (f"portal.{verb}_scenario" for verb in ("add", "change", "delete"))
    if action is Action.ADMIN:
        yield from (f"portal.{verb}_{model}" for model in _KEPT_BY_ADMINS for verb in ("view", "add", "change", "delete"))
        yield from (f"auth.{verb}_user" for verb in ("view", "add", "change", "delete"))
        yield "auth.view_group"
        yield "portal.view_auditentry"

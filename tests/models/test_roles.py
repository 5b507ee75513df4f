"""Roles are groups made by a migration; what they may do is the policy's word, in admin and API alike."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User

from portal.core.access import ROLES, Role
from portal.models.roles import actions_of_user, permissions_of
from tests.builders import a_token, a_user, an_admin

pytestmark = pytest.mark.django_db
MIGRATION: Any = import_module("portal.migrations.0005_roles_are_groups")


@pytest.mark.parametrize("role", Role)
def test_the_migrated_group_may_do_what_the_policy_says(role: Role) -> None:
    user = a_user(role=None)
    user.groups.add(Group.objects.get(name=role))
    assert actions_of_user(User.objects.get(pk=user.pk)) == ROLES[role]


@pytest.mark.parametrize("role", Role)
def test_the_migrated_group_has_the_pages_that_go_with_its_actions(role: Role) -> None:
    rows = Group.objects.get(name=role).permissions.select_related("content_type")
    assert {f"{row.content_type.app_label}.{row.codename}" for row in rows} == permissions_of(role)


@pytest.mark.parametrize("role", Role)
def test_every_permission_of_a_role_exists(role: Role) -> None:
    known = {f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")}
    assert permissions_of(role) <= known


def test_a_superuser_may_do_everything_and_a_user_who_left_nothing() -> None:
    assert actions_of_user(an_admin()) == ROLES[Role.ADMIN]
    assert actions_of_user(a_user(is_active=False)) == frozenset()


def test_tokens_made_before_roles_keep_working() -> None:
    row, _ = a_token(a_user(role=None))
    MIGRATION.keep_tokens_working(apps, Group.objects)
    assert actions_of_user(User.objects.get(pk=row.user.pk)) == ROLES[Role.RUNNER]
    assert row.scopes == ["read", "run", "stop"]
    assert row.environment_names() is None


def test_who_could_stop_runs_before_the_permission_was_split_still_can() -> None:
    user = a_user(role=None)
    user.user_permissions.add(Permission.objects.get(codename="change_run"))
    MIGRATION.keep_stopping(apps, Permission.objects)
    assert User.objects.get(pk=user.pk).has_perm("portal.stop_run")

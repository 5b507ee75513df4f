"""The Django app that holds the portal's models, admin and commands."""

from typing import Any  # Any: the signal's arguments

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortalApp(AppConfig):
    name = "portal"
    verbose_name = "Load tests"

    def ready(self) -> None:
        from portal import checks  # noqa: F401  (registering the system checks is what importing it does)

        # Django makes permissions in the same signal: a model that a release adds is in its roles without a migration.
        post_migrate.connect(_keep_roles, sender=self)


def _keep_roles(**_: Any) -> None:
    from django.contrib.auth.models import Group, Permission

    from portal.models.roles import create_groups

    create_groups(Group.objects, Permission.objects)

"""The Django app that holds the portal's models, admin and commands."""

from django.apps import AppConfig


class PortalApp(AppConfig):
    name = "portal"
    verbose_name = "Load tests"

    def ready(self) -> None:
        from portal import checks  # noqa: F401  (registering the system checks is what importing it does)

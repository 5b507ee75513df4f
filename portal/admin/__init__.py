"""Django's admin as the portal's user interface. Importing this package registers every page."""

from portal.admin import access, environment, run, scenario, token, version

__all__ = ["access", "environment", "run", "scenario", "token", "version"]

"""Django's admin as the portal's user interface. Importing this package registers every page."""

from portal.admin import access, audit, environment, run, scenario, start_page, token, version

__all__ = ["access", "audit", "environment", "run", "scenario", "start_page", "token", "version"]

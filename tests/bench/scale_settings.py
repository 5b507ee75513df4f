"""The portal's own settings, but for one line of the registry: its EC2 workers on this machine are those of `fleet`."""

from portal.backends import BACKENDS
from portal.settings import *  # noqa: F403  # Settings are names of a module.

BACKENDS["local", "ec2"] = "tests.bench.fleet_backend:fleet_backend"

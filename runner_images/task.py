"""`python -m runner_images.task`: what a container of ECS runs. All it must know comes as environment variables.

With KNOPFDRUCK_RUN it is one worker of that run and ends with it; with KNOPFDRUCK_GROUP only, it waits in that group's
pool. SIGTERM (a stop, a lost spot task) drains. KNOPFDRUCK_HEALTH_PORT opens a port for a load balancer.
"""

from __future__ import annotations

import os
import sys

from runner_images.agent.__main__ import main as agent
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.privileges import hide
from runner_images.health_port import signs_of_life
from runner_images.json_log import say
from runner_images.pool.__main__ import main as pool


def main() -> int:
    hide()
    os.environ.setdefault("KNOPFDRUCK_LOG", "json")
    env = os.environ
    if not env.get("KNOPFDRUCK_RUN"):
        if env.get("KNOPFDRUCK_GROUP"):
            return pool([])
        print("Set KNOPFDRUCK_RUN for a worker of one run, or KNOPFDRUCK_GROUP for one that waits for work.", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    try:
        with signs_of_life(env):
            say("worker_begins", run=env["KNOPFDRUCK_RUN"], slot=env.get("KNOPFDRUCK_SLOT"), epoch=env.get("KNOPFDRUCK_EPOCH"))
            return agent([])
    except ValueError as error:
        print(f"worker: {error}", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS


if __name__ == "__main__":
    sys.exit(main())

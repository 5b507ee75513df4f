"""`python -m runner_images.health`: the health check of a worker's container. Exit code 0 as long as its heart beats."""

from __future__ import annotations

import os
import sys

from runner_images.vital_sign import FRESH_SECONDS, age, heartbeat_file, is_alive


def main() -> int:
    path = heartbeat_file(os.environ)
    if is_alive(path):
        return 0
    found = age(path)
    said = f"is {found:.0f} s old" if found is not None else "is not there"
    print(f"The worker's heartbeat {path} {said}; it should be younger than {FRESH_SECONDS:.0f} s.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

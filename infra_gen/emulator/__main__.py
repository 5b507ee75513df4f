"""`python -m infra_gen.emulator`: AWS on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from infra_gen.emulator.process import Emulator, EmulatorFailed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra_gen.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--dir", type=Path, default=Path("var/emulator"), help="what runs in it and what it logs")
    parser.add_argument("--auth", action="store_true", help="enforce IAM: signatures, policies, roles")
    parser.add_argument("--lenient", action="store_true", help="without the layer that refuses what AWS refuses")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Emulator(given.dir, given.port, auth=given.auth, strict=not given.lenient) as emulator:
            print(f"AWS is at {emulator.endpoint} (its log: {emulator.log}); Ctrl-C ends it.", flush=True)
            return emulator.wait()
    except KeyboardInterrupt:
        return 0
    except EmulatorFailed as failed:
        print(failed, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

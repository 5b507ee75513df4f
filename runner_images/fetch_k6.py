"""Puts versions of k6 into an image: `python runner_images/fetch_k6.py --to k6 1.1.0 2.2.0` makes k6/1.1.0/k6 and k6/2.2.0/k6.

Each release is taken from its publisher and must have the checksum that `k6.sha256` says: the list is part of this
repository, so that whoever changes a release afterwards changes nothing here. Standard library only: it runs in a bare image.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import re
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

RELEASES = "https://github.com/grafana/k6/releases/download"
CHECKSUMS = Path(__file__).resolve().with_name("k6.sha256")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SECONDS = 120


class NotFetched(Exception):
    """With the sentence for whoever builds the image."""


def fetch(version: str, machine: str, releases: str, checksums: dict[str, str]) -> bytes:
    """The program; raises NotFetched when its archive is not listed, not there, or not the one that is listed."""
    name = f"k6-v{version}-linux-{machine}"
    archive = f"{name}.tar.gz"
    wanted = checksums.get(archive)
    if wanted is None:
        known = ", ".join(sorted(checksums)) or "nothing"
        raise NotFetched(f"{archive} has no checksum in {CHECKSUMS.name}, which knows {known}.")
    url = f"{releases}/v{version}/{archive}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            data = bytes(answer.read())
    except OSError as error:
        raise NotFetched(f"{url} cannot be read: {error}.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise NotFetched(f"{url} has the checksum {found}, and {CHECKSUMS.name} says {wanted}. Nothing was installed.")
    return _program(data, f"{name}/k6", archive)


def _program(data: bytes, member: str, archive: str) -> bytes:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            reader = tar.extractfile(member)
            if reader is not None:
                return reader.read()
    except (tarfile.TarError, KeyError, OSError) as error:
        raise NotFetched(f"{archive} does not hold {member}: {error}.") from error
    raise NotFetched(f"{archive} does not hold {member}.")


def version_of(program: Path) -> str:
    """As it says itself."""
    try:
        said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise NotFetched(f"{program} cannot be started: {error}.") from error
    found = re.search(r"v(\d+\.\d+\.\d+)", said)
    if found is None:
        raise NotFetched(f"{program} does not say which version it is: {said[:80]!r}.")
    return found[1]


def read_checksums(path: Path) -> dict[str, str]:
    """By archive, from lines as sha256sum writes them; `#` begins a comment."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name: digest for digest, name in lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    parser.add_argument("--add", action="append", default=[], type=Path, help="a k6 that is here already, by its own version")
    parser.add_argument("--to", required=True, type=Path, help="a folder")
    parser.add_argument("--releases", default=os.environ.get("K6_RELEASES") or RELEASES)
    parser.add_argument("--checksums", default=CHECKSUMS, type=Path)
    parser.add_argument("--machine", default=os.environ.get("TARGETARCH") or MACHINES.get(platform.machine(), "amd64"))
    given = parser.parse_args()
    checksums = read_checksums(given.checksums)
    try:
        programs = {version_of(path): path.read_bytes() for path in given.add}
        programs |= {each: fetch(each, given.machine, given.releases.rstrip("/"), checksums) for each in given.versions}
    except NotFetched as error:
        print(error, file=sys.stderr)
        return 1
    for version, program in programs.items():
        path = given.to / version / "k6"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(program)
        path.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main())

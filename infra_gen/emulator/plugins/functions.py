"""Lambda functions nearer to AWS: only their own packages and the few of the real runtime, and layers whose programs run."""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plug import plug

BROUGHT_BY_AWS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
SHIM = """#!/bin/sh
for layer in $(echo "$_LAMBDA_LAYERS_DIRS" | tr ':' ' '); do PATH="$layer/bin:$PATH"; done
export PATH PYTHONPATH="{packages}"
exec "{python}" -S "$@"
"""


def install() -> None:
    runtime = _runtime(PLACE.folder / "lambda-runtime")
    plug(lambda_runtime, "_detect_runtime_binary", lambda detect: _with(runtime, detect))
    plug(lambda_runtime, "zipfile", lambda _: SimpleNamespace(**{**vars(zipfile), "ZipFile": ModeKeepingZip}))


class ModeKeepingZip(zipfile.ZipFile):
    """`extractall` of the standard library drops the permissions, and with them the x of `bin/k6`."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        super().extractall(path, members, pwd)
        for entry in self.infolist():
            mode = stat.S_IMODE(entry.external_attr >> 16)
            if mode and not entry.is_dir():
                os.chmod(os.path.join(path or ".", entry.filename), mode | stat.S_IRUSR)


def _runtime(folder: Path) -> Path:
    """An interpreter outside the emulator's environment, so what a zip lacks is missing; it has boto3, as AWS's has."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    own = Path(os.__file__).parent if sys.prefix == sys.base_prefix else _site_packages()
    for name in BROUGHT_BY_AWS:
        link = packages / name
        if not link.is_symlink() and (own / name).exists():
            link.symlink_to(own / name)
    shim = folder / "python"
    shim.write_text(SHIM.format(packages=packages, python=getattr(sys, "_base_executable", sys.executable)))
    shim.chmod(0o755)
    return shim


def _site_packages() -> Path:
    return next(Path(each) for each in sys.path if each.endswith("site-packages"))


def _with(runtime: Path, detect: Any) -> Any:
    def detected(name: str) -> tuple[str, str]:
        binary, script = detect(name)
        return (str(runtime), script) if name.startswith("python") else (binary, script)

    return detected

"""For which Python and processor a package is made."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
GLIBCS = (17, 24, 26, 27, 28, 31, 34)
"""Lambda's Amazon Linux 2023 has glibc 2.34; wheels for that or anything older run there."""


@dataclass(frozen=True, slots=True)
class PackageTarget:
    python: str = "3.12"
    architecture: str = "x86_64"
    """As Lambda writes it."""

    @classmethod
    def of_this_machine(cls) -> PackageTarget:
        """For an emulator, which runs functions with the Python that is here."""
        machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", machine)

    @property
    def pip_options(self) -> list[str]:
        machine = MACHINES[self.architecture]
        platforms = [f"manylinux_2_{glibc}_{machine}" for glibc in GLIBCS] + [f"manylinux2014_{machine}"]
        return ["--python-version", self.python, "--implementation", "cp", "--only-binary=:all:",
                *(word for name in platforms for word in ("--platform", name))]  # fmt: skip

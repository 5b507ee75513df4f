"""Puts locked packages into a folder, without what a function never reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from infra_gen.packaging.target import PackageTarget

HERE = Path(__file__).resolve().parent
KEPT_SERVICES = frozenset({
    "apigateway", "autoscaling", "cloudformation", "cloudwatch", "ec2", "ecs", "elbv2", "lambda", "logs", "pricing", "s3",
    "secretsmanager", "service-quotas", "servicediscovery", "sns", "sqs", "ssm", "sso", "sso-oidc", "sts",
})  # fmt: skip
"""Whose models botocore keeps: all that portal.aws opens. The other 400 are 90 % of its size."""
NOISE = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""What pip writes about the machine it ran on, or about files we remove."""


class PackagesMissing(RuntimeError):
    """pip could not fetch or verify a package; its own words are the message."""


def install(lock: Path, folder: Path, target: PackageTarget) -> None:
    """Exactly what the lock file names, with its hashes. Raises PackagesMissing."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps",
         "--require-hashes", "--target", str(folder), *target.pip_options, "-r", str(lock)],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PackagesMissing(f"The packages of {lock.name} could not be installed: {done.stderr.strip()[-2000:]}")
    prune(folder)


def prune(folder: Path) -> None:
    for name in NOISE:
        for path in folder.glob(f"*.dist-info/{name}"):
            path.unlink()
    for tests in (*folder.glob("numpy/**/tests"), *folder.glob("psutil/tests")):
        shutil.rmtree(tests)
    shutil.rmtree(folder / "boto3" / "examples", ignore_errors=True)
    for service in (folder / "botocore" / "data").glob("*"):
        if service.is_dir() and service.name not in KEPT_SERVICES:
            shutil.rmtree(service)

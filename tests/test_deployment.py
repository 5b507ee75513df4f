"""A public portal passes Django's own check for deployment; one for this machine needs none of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = {
    "KNOPFDRUCK_PUBLIC_URL": "https://portal.example",
    "KNOPFDRUCK_ALLOWED_HOSTS": "portal.example",
    "DATABASE_URL": "postgres://portal@db.example/portal",
}


def check(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {"DJANGO_SETTINGS_MODULE": "portal.settings", "KNOPFDRUCK_DATA_DIR": str(folder), **environment}
    known = {name: value for name, value in os.environ.items() if not name.startswith("KNOPFDRUCK_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING", *words], cwd=ROOT, text=True, capture_output=True,
        env={**known, **ours}, check=False,
    )  # fmt: skip


@pytest.mark.engines
def test_a_public_portal_is_ready_for_deployment(tmp_path: Path) -> None:
    done = check(tmp_path, "--deploy", **PUBLIC)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_a_portal_without_https_is_told_so(tmp_path: Path) -> None:
    done = check(tmp_path, "--deploy", **{**PUBLIC, "KNOPFDRUCK_PUBLIC_URL": "http://portal.example"})
    assert done.returncode == 1
    assert "SECURE_SSL_REDIRECT" in done.stderr

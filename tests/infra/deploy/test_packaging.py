"""What goes into a package, and what does not. That the packages work is shown where they are deployed (tests/infra/e2e)."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from infra_gen.packaging import artefacts
from infra_gen.packaging.install import HERE, KEPT_SERVICES, PackagesMissing, install, prune
from infra_gen.packaging.target import PackageTarget
from infra_gen.packaging.zips import below

ROOT = HERE.parents[1]
LOCKED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["runner", "portal", "k6"])
def test_functions_run_the_versions_the_portal_is_tested_with(name: str) -> None:
    portal = set(LOCKED.findall((ROOT / "requirements.txt").read_text()))
    assert set(LOCKED.findall((HERE / f"{name}.txt").read_text())) <= portal


def test_botocore_keeps_the_model_of_every_service_that_is_opened() -> None:
    opened = set()
    for path in (ROOT / "portal" / "aws").glob("*.py"):
        opened |= set(re.findall(r'client\(\s*"([a-z0-9-]+)"', path.read_text()))
    assert {"ssm", "sts", "secretsmanager"} <= opened
    assert opened <= KEPT_SERVICES


def test_models_of_other_services_go_and_what_botocore_needs_itself_stays(tmp_path: Path) -> None:
    for name in (
        "botocore/data/s3/x.json", "botocore/data/braket/x.json", "botocore/data/partitions.json", "numpy/core/tests/test_x.py",
        "six-1.dist-info/RECORD", "six-1.dist-info/METADATA",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    prune(tmp_path)
    assert set(below(tmp_path)) == {"botocore/data/s3/x.json", "botocore/data/partitions.json", "six-1.dist-info/METADATA"}


def test_another_line_of_source_or_another_processor_is_another_package(tmp_path: Path) -> None:
    source, lock = tmp_path / "a.py", tmp_path / "lock.txt"
    source.write_text("1")
    lock.write_text("")
    digest = artefacts._digest_of({"a.py": source}, lock, PackageTarget())
    assert artefacts._digest_of({"a.py": source}, lock, PackageTarget()) == digest
    assert artefacts._digest_of({"a.py": source}, lock, PackageTarget(architecture="arm64")) != digest
    source.write_text("2")
    assert artefacts._digest_of({"a.py": source}, lock, PackageTarget()) != digest


def test_what_is_not_in_the_lock_is_not_installed(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("six==1.17.0\n")
    with pytest.raises(PackagesMissing, match="hash"):
        install(lock, tmp_path / "packages", PackageTarget())


def test_artillery_is_installed_from_the_lock_file_and_its_plugin_comes_with_the_agent(tmp_path: Path) -> None:
    package = artefacts.engines_zip(tmp_path / "one", PackageTarget())
    with zipfile.ZipFile(package.path) as archive:
        assert archive.read("package-lock.json") == (ROOT / "package-lock.json").read_bytes()
        assert set(archive.namelist()) == {"package.json", "package-lock.json", ".npmrc"}
    again = artefacts.engines_zip(tmp_path / "two", PackageTarget())
    assert (again.key, again.path.read_bytes()) == (package.key, package.path.read_bytes())
    assert "runner_images/agent/artillery/artillery-plugin-knopfdruck/index.js" in artefacts.runner_sources()


def test_who_installs_the_same_packages_faster_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two deployments at once: the other one's folder is there when ours is whole."""
    (tmp_path / "lock.txt").touch()

    def install_as_the_other_does(lock: Path, draft: Path, target: PackageTarget) -> None:
        folder = tmp_path / f"packages-{artefacts._digest_of({}, lock, target)[:20]}"
        folder.mkdir()
        (folder / "six.py").touch()
        (draft / "six.py").touch()

    monkeypatch.setattr(artefacts, "install", install_as_the_other_does)
    found = artefacts._packages(tmp_path, tmp_path / "lock.txt", PackageTarget())
    assert [path.name for path in found.iterdir()] == ["six.py"]
    assert not list(tmp_path.glob(".draft-*"))


def test_a_package_too_large_for_lambda_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(artefacts.UNZIPPED_MOST + 1)
    with pytest.raises(artefacts.PackageTooLarge, match="250 MB"):
        artefacts._must_fit("runner", {"large": large})

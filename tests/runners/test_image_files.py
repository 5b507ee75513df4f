"""What the images are made of: pinned bases, checked programs, scripts that a linter has nothing to say about."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from portal.core.ports import EngineTools
from runner_images.fetch_k6 import CHECKSUMS, read_checksums
from tests.agent.lives import ROOT
from tests.images.replay import read_steps

IMAGES = ROOT / "runner_images"
DOCKERFILE, COMPONENT = IMAGES / "Dockerfile", ROOT / "infra_gen" / "worker_image.yml"
SHELLCHECK = Path(sys.executable).with_name("shellcheck")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[str]:
    """A publisher with k6 2.2.0, whose program says hello, and the list of its checksum."""
    name = "k6-v2.2.0-linux-amd64"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(f"{name}/k6")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))
    folder = tmp_path / "releases" / "v2.2.0"
    folder.mkdir(parents=True)
    (folder / f"{name}.tar.gz").write_bytes(packed.getvalue())
    (tmp_path / "sums").write_text(f"# ours\n{hashlib.sha256(packed.getvalue()).hexdigest()}  {name}.tar.gz\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "releases")))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetch(folder: Path, releases: str, *more: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(IMAGES / "fetch_k6.py"), "--to", str(folder / "k6"), "--releases", releases,
            "--checksums", str(folder / "sums"), "--machine", "amd64", *more]  # fmt: skip
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.engines
def test_versions_of_k6_come_into_folders_of_their_own(tmp_path: Path, releases: str, k6: EngineTools) -> None:
    done = fetch(tmp_path, releases, "--add", k6.k6, "2.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "k6").iterdir()} == {"1.1.0", "2.2.0"}
    assert (tmp_path / "k6/2.2.0/k6").read_bytes() == b"hello"
    assert os.access(tmp_path / "k6/2.2.0/k6", os.X_OK)


@pytest.mark.parametrize(
    ("version", "sums", "said"),
    [
        ("2.2.0", f"{'0' * 64}  k6-v2.2.0-linux-amd64.tar.gz\n", "Nothing was installed"),
        ("2.3.0", None, "has no checksum in k6.sha256, which knows k6-v2.2.0-linux-amd64.tar.gz"),
        ("2.4.0", f"{'0' * 64}  k6-v2.4.0-linux-amd64.tar.gz\n", "cannot be read"),
    ],
)
def test_what_is_not_the_release_we_know_is_not_installed(
    tmp_path: Path, releases: str, version: str, sums: str | None, said: str
) -> None:
    if sums:
        (tmp_path / "sums").write_text(sums)
    done = fetch(tmp_path, releases, version)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "k6").exists()


def test_the_list_of_releases_has_both_processors() -> None:
    found = read_checksums(CHECKSUMS)
    assert {name.rsplit("-", 1)[1] for name in found} == {"amd64.tar.gz", "arm64.tar.gz"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found.values())


def test_every_stage_begins_with_a_digest_or_a_stage_and_ends_without_rights() -> None:
    user: dict[str, str] = {}
    names: list[str] = []
    for step in read_steps(DOCKERFILE):
        if step.name == "FROM":
            base, _, name = step.text.split()
            assert base in names or re.search(r"@sha256:[0-9a-f]{64}$", base), base
            names.append(name)
            user[name] = user.get(base, "")
        elif step.name == "USER":
            user[names[-1]] = step.text
    assert {user[name] for name in ("lambda-k6", "fargate-artillery", "ec2")} == {"10001:10001"}


def test_what_is_copied_into_an_image_is_there_and_no_more_than_a_worker_needs() -> None:
    copied = [
        words[:-1] for step in read_steps(DOCKERFILE) if step.name == "COPY" and not (words := step.words)[0].startswith("--")
    ]
    names = {name for each in copied for name in each}
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert "portal" not in names
    assert not any(name.startswith(("portal/models", "portal/settings", "infra_gen/stacks")) for name in names)


def test_the_scripts_are_clean(tmp_path: Path) -> None:
    files = [IMAGES / "publish.sh", *_component_scripts(tmp_path)]
    done = subprocess.run([SHELLCHECK, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    # The words in braces are CloudFormation's.
    user_data = IMAGES / "ec2" / "user_data.sh"
    done = subprocess.run([SHELLCHECK, "--exclude=SC2154,SC3057", user_data], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_component_uses_files_that_the_code_brings_and_words_that_the_stack_fills_in() -> None:
    text = COMPONENT.read_text()
    assert set(re.findall(r"\$\{([^}]+)\}", text)) == {"AWS::Region", "Environment"}
    folder = IMAGES / "ec2"
    installed = re.findall(r"install -D -m 644 (\S+) ", text)
    assert installed
    assert all((folder / name).is_file() for name in (*installed, "cloudwatch.json"))


def _component_scripts(folder: Path) -> list[Path]:
    found = []
    for phase in yaml.safe_load(COMPONENT.read_text())["phases"]:
        for step in phase["steps"]:
            script = folder / f"{phase['name']}-{step['name']}.sh"
            script.write_text("#!/bin/bash\n" + re.sub(r"\$\{[^}]+\}", "word", "\n".join(step["inputs"]["commands"])) + "\n")
            found.append(script)
    return found

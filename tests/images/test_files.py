"""Dockerfiles and compose.yaml by linters, and by what we promise about them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.images.replay import ROOT, read_steps

DOCKERFILES = [path for path in (ROOT / "Dockerfile", ROOT / "runner_images" / "Dockerfile") if path.exists()]
EXACT_TAG = re.compile(r"[\w./-]+:[\w.-]*\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")
TOOLS = Path(sys.executable).parent


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(
        [TOOLS / "hadolint", "--failure-threshold", "style", "--ignore", "DL3059", path],
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_is_what_its_specification_says() -> None:
    done = subprocess.run([TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"],
                          text=True, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_image_ends_as_a_numbered_user_with_a_health_check_and_one_command() -> None:
    steps = read_steps(ROOT / "Dockerfile")
    last = steps[max(index for index, step in enumerate(steps) if step.name == "FROM") :]
    assert [step.text for step in last if step.name == "USER"] == ["10001:10001"]
    assert sum(step.name == "HEALTHCHECK" for step in last) == 1
    assert [step.words for step in last if step.name == "CMD"] == [["python", "manage.py", "portal"]]


def test_bases_have_a_digest_and_one_tag_is_one_image_in_all_files() -> None:
    bases = {step.text.split()[0] for path in DOCKERFILES for step in read_steps(path) if step.name == "FROM"}
    outer = {base for base in bases if ":" in base}
    assert [base for base in outer if not re.search(r"@sha256:[0-9a-f]{64}$", base)] == []
    assert len({base.partition("@")[0] for base in outer}) == len(outer) >= 2


def test_base_images_have_exact_tags() -> None:
    names = [step.text.split()[0] for step in read_steps(ROOT / "Dockerfile") if step.name == "FROM"]
    names += [service["image"] for service in compose()["services"].values() if "image" in service]
    assert len(names) >= 5
    assert [name for name in names if not EXACT_TAG.fullmatch(name)] == []


def test_no_secret_and_no_local_state_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "var", ".venv", "node_modules"} <= set(ignored)
    copied = [word for step in read_steps(ROOT / "Dockerfile") if step.name == "COPY" for word in step.words[:-1]]
    assert "." not in copied


def test_ports_are_open_for_this_machine_only() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", ())]
    assert len(ports) >= 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_that_is_built_names_a_stage_there_is() -> None:
    for name, service in compose()["services"].items():
        if "build" not in service:
            continue
        path = ROOT / service["build"].get("dockerfile", "Dockerfile")
        if path not in DOCKERFILES:
            continue
        stages = [step.text.split()[-1] for step in read_steps(path) if step.name == "FROM"]
        assert service["build"]["target"] in stages, name


def test_every_module_and_health_check_that_compose_names_is_there() -> None:
    modules = [
        service["command"][2]
        for service in compose()["services"].values()
        if service.get("command", [""])[:2] == ["python", "-m"]
    ]
    assert modules
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert (path / "__main__.py").exists() or path.with_suffix(".py").exists(), module

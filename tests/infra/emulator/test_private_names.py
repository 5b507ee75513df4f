"""Each private name of ministack that the plug-ins use, one test a name: another version that lacks or changes one fails here.

To take a new version: look at what differs, then let `python -m infra_gen.emulator.contract` write `private_names.json` anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra_gen.emulator.contract import private_names
from infra_gen.emulator.process import CHECKOUT, HOW_TO_GET_IT, PYTHON, is_installed

RECORDED: dict[str, str] = json.loads((Path(__file__).parent / "private_names.json").read_text())


@pytest.fixture(scope="module")
def found() -> dict[str, str | None]:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    run = subprocess.run(
        [str(PYTHON), "-m", "infra_gen.emulator.contract"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=True,
    )
    return dict(json.loads(run.stdout))


@pytest.mark.emulator
@pytest.mark.parametrize("name", sorted(RECORDED))
def test_ministack_has_the_private_name_as_the_plug_ins_know_it(name: str, found: dict[str, str | None]) -> None:
    assert found.get(name) == RECORDED[name]


def test_every_private_name_a_plug_in_uses_is_recorded() -> None:
    assert set(private_names()) == set(RECORDED)

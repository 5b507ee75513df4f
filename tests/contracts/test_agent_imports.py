"""The worker is copied into images without Django and without boto3 unless its store is S3: what it imports is a promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
import runner_images.agent.__main__
from portal.engines import ENGINES, open_engine
from portal.core.ports import EngineTools
from portal.stores import open_store
for name in ENGINES:
    open_engine(name, EngineTools())
open_store("file:///tmp/knopfdruck-import-test")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_agent_imports_neither_django_nor_boto3() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"django", "rest_framework", "django_q", "boto3", "botocore", "troposphere", "unfold"})
    assert "msgspec" in loaded

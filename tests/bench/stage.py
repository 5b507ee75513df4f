"""A real portal with scenarios of the bench's own, driven over its REST API."""

from __future__ import annotations

import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any  # Any: JSON answers

from tests.portal_process import PortalProcess

PAGE = """
import http from 'k6/http';
export const options = { vus: 1, duration: '1s' };
export default function () { http.get(`${__ENV.TARGET_SHOP}/${__ENV.PAGE || 'page'}`, { tags: { name: 'page' } }); }
"""
PATIENCE_SECONDS = 120.0


class Stage:
    """`start` posts a run and answers with its id; `wait` returns its results."""

    def __init__(self, portal: PortalProcess, token: str) -> None:
        self.portal, self._token = portal, token

    def start(self, backend: str, body: Mapping[str, object]) -> str:
        run_id: str = self._ask("POST", f"/load-tests/{backend}/start", {"environment": "shop", **body})["id"]
        return run_id

    def status(self, run_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/load-tests/{run_id}/status")

    def results(self, run_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/load-tests/{run_id}/results")

    def stop(self, run_id: str) -> dict[str, Any]:
        return self._ask("POST", f"/load-tests/{run_id}/stop", {})

    def wait(self, run_id: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while (status := self.status(run_id))["state"] != "ended":
            if time.monotonic() > until:
                raise RuntimeError(f"Run {run_id} does not end: {status}")
            time.sleep(0.3)
        return self.results(run_id)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return self.portal.ask(self._token, method, path, body)


@contextmanager
def stage(
    target: str, scripts: Mapping[str, str], flows: Mapping[str, str] | None = None,
    *, environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Stage]:  # fmt: skip
    """A portal whose environment `shop` points at `target`, with these k6 scripts and Artillery flows imported by name;
    `environment` are variables of its processes."""
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name:
        folder = Path(name)
        portal = PortalProcess(folder, {"shop": target})
        portal.environment.update(environment)
        portal.prepare()
        for scenario, script in scripts.items():
            _import(portal, f"{scenario}.js", script, "k6")
        for scenario, flow in (flows or {}).items():
            _import(portal, f"{scenario}.yml", flow, "artillery")
        portal.manage("setup_admin")
        token = portal.loadtest("token", "bench", "--json").json["token"]
        portal.start()
        try:
            _until_up(portal)
            yield Stage(portal, token)
        finally:
            portal.stop()


def _import(portal: PortalProcess, file: str, text: str, engine: str) -> None:
    path = portal.folder / file
    path.write_text(text)
    said = portal.loadtest("import", str(path), "--name", path.stem, "--engine", engine)
    if said.code:
        raise RuntimeError(said.err)


def _until_up(portal: PortalProcess) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{portal.url}/admin/login/", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The portal does not start: {portal.log()}")

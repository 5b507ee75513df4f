"""Starts a load test on a Knopfdruck portal, waits for its verdict and reports it to GitHub. Needs nothing but Python.

    load_test.py start | wait | report | stop

Everything comes from the environment (see action.yml), nothing from arguments, and no value is ever run by a shell. The id of
the run is kept in a file between the steps. Exit codes of `wait`: 0 passed, 3 inconclusive, 99 thresholds not met,
105 stopped, 1 error, 2 refused (nothing started).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PASSED, ERROR, REFUSED, INCONCLUSIVE, FAILED, STOPPED = 0, 1, 2, 3, 99, 105
PATIENCE_SECONDS, LONGEST_PAUSE, WAIT_SECONDS = 600, 30, 10
BROKEN = ("script_error", "launch_failed", "rejected")
FIELDS = {"SCENARIO": "scenario", "ENVIRONMENT": "environment", "VUS": "vus", "RATE": "rate", "DURATION": "duration",
          "WORKERS": "workers", "NOTE": "note"}  # fmt: skip
REPORTS = {"json": "results.json", "xml": "junit.xml", "html": "report.html"}


class Refused(Exception):
    """The portal said no; asking again would not help."""


class Portal:
    def __init__(self) -> None:
        self.url = given("PORTAL_URL").rstrip("/")
        if not self.url.startswith(("https://", "http://")):
            raise Refused("portal-url must begin with https:// (or http:// for a portal of your own network).")

    def call(self, method: str, path: str, body: dict | None = None, headers: dict | None = None) -> tuple[int, bytes]:
        """Status and body. What may pass is tried again for a while, with the same Idempotency-Key: it starts nothing twice."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/json"}
        since, pause = time.monotonic(), 1.0
        while True:
            # A new token each time: an id-token works for minutes only.
            said = {"Authorization": f"Bearer {token(self.url)}", **kind, **(headers or {})}
            request = urllib.request.Request(self.url + path, data=data, method=method, headers=said)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                if error.code not in (408, 429, 500, 502, 503, 504) or time.monotonic() - since > PATIENCE_SECONDS:
                    raise Refused(problem(error)) from error
                wait = float(error.headers.get("Retry-After") or pause)
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() - since > PATIENCE_SECONDS:
                    raise Refused(f"The portal does not answer: {error}") from error
                wait = pause
            time.sleep(min(wait, LONGEST_PAUSE))
            pause *= 2

    def json(self, method: str, path: str, body: dict | None = None, headers: dict | None = None) -> dict:
        return json.loads(self.call(method, path, body, headers)[1])


def start(portal: Portal) -> int:
    answer = portal.json("POST", f"/load-tests/{word('BACKEND')}/start", start_body(), {"Idempotency-Key": key()})
    Path(given("RUN_FILE")).write_text(answer["id"])
    output("run-id", answer["id"])
    output("run-url", answer["page_url"])
    print(f"Started run {answer['id']} on {answer['workers']} workers: {answer['page_url']}", flush=True)
    return PASSED


def wait(portal: Portal) -> int:
    """Until the run has ended. A signal (the job was cancelled) stops the run first."""
    run_id = the_run()

    def cancelled(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop(portal)
        sys.exit(STOPPED)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, cancelled)
    until = time.monotonic() + 60 * float(given("TIMEOUT_MINUTES", "330"))
    cursor = ""
    while True:
        left = max(0, math.ceil(until - time.monotonic()))
        query = urllib.parse.urlencode({"wait": min(WAIT_SECONDS, left), **({"since": cursor} if cursor else {})})
        found = portal.json("GET", f"/load-tests/{run_id}/events?{query}")
        cursor = found["cursor"]
        for event in found["events"]:
            if event["kind"] != "second":
                print(one_line(f"{event['at']} {event['state'] or ''} {event['text']}"), flush=True)
        if found["over"]:
            return code_of(portal.json("GET", f"/load-tests/{run_id}/status"))
        if time.monotonic() > until:
            print("::error::The run took longer than timeout-minutes and is stopped.")
            stop(portal)
            return ERROR
        time.sleep(1)


def report(portal: Portal) -> int:
    """Files, outputs, annotations and the step's summary, whatever the verdict."""
    run_id, folder = the_run(), Path(given("REPORT_DIR", "load-test"))
    folder.mkdir(parents=True, exist_ok=True)
    for ending, name in REPORTS.items():
        (folder / name).write_bytes(portal.call("GET", f"/load-tests/{run_id}/report.{ending}")[1])
    results = json.loads((folder / REPORTS["json"]).read_text())
    summary = results["summary"] or {}
    requests = summary.get("requests") or 0
    output("verdict", results["verdict"] or "none")
    output("passed", "true" if results["verdict"] == "passed" else "false")
    output("p95-ms", (summary.get("latency") or {}).get("p95", ""))
    output("error-rate", summary["failed"] / requests if requests else "")
    output("report-path", str(folder))
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(target, "a", encoding="utf-8") as file:
            file.write(markdown(results))
    for item in results["thresholds"]:
        if item["passed"] is False:
            print(f"::error title=Threshold not met::{escaped(item['text'])}, observed {item['observed']:g}")
    if results["verdict"] == "inconclusive":
        print(f"::warning title=Inconclusive::{escaped(' '.join(results['reasons']))}")
    return PASSED


def stop(portal: Portal) -> int:
    """May be repeated; without a run there is nothing to stop."""
    if Path(given("RUN_FILE")).exists():
        portal.call("POST", f"/load-tests/{the_run()}/stop", {})
        print("Asked the run to stop; what was measured is kept.", flush=True)
    return PASSED


def start_body() -> dict:
    """The inputs, and over them the JSON of `overrides`: stages, thresholds, parameters, tags and whatever else a start takes."""
    body: dict = {field: given(name) for name, field in FIELDS.items() if given(name)}
    try:
        more = json.loads(given("OVERRIDES") or "{}")
    except ValueError as error:
        raise Refused(f"overrides is not JSON: {error}") from error
    if not isinstance(more, dict):
        raise Refused('overrides is a JSON object, such as {"stages": ["30s:10"]}.')
    body.update(more)
    tags = {"repository": given("GITHUB_REPOSITORY"), "commit": given("GITHUB_SHA"), "github_run": given("GITHUB_RUN_ID")}
    body["tags"] = {**{name: value for name, value in tags.items() if value}, **body.get("tags", {})}
    return body


def key() -> str:
    """The same for each repetition of this step, another for each attempt of the job."""
    names = ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_ACTION", "RUN_FILE")
    return hashlib.sha256(json.dumps([given(name) for name in names] + [start_body()], sort_keys=True).encode()).hexdigest()


def code_of(status: dict) -> int:
    print(one_line(f"{(status['verdict'] or 'no verdict').upper()} ({status['end_reason']}) {status['message']}"), flush=True)
    if status["end_reason"] == "stopped_by_user":
        return STOPPED
    if status["end_reason"] in BROKEN:
        return ERROR
    return {"passed": PASSED, "failed": FAILED}.get(status["verdict"], INCONCLUSIVE)


def markdown(results: dict) -> str:
    marks = {True: "✅", False: "❌", None: "⚪"}
    verdict = {"passed": "✅ Passed", "failed": "❌ Failed", "inconclusive": "⚠️ Inconclusive"}.get(
        results["verdict"], "No verdict"
    )
    lines = [f"## {verdict}: {cell(results['scenario'])} v{results['version']} on {cell(results['environment'])}", ""]
    lines += [f"- {cell(reason)}" for reason in results["reasons"]]
    if results["thresholds"]:
        lines += ["", "| | Threshold | Observed |", "|---|---|---|"]
        lines += [f"| {marks[item['passed']]} | `{cell(item['text'])}` | {item['observed']} |" for item in results["thresholds"]]
    if summary := results["summary"]:
        latency = summary.get("latency") or {}
        lines += ["", "| Requests | Per second | Failed | p50 ms | p95 ms | p99 ms |", "|---|---|---|---|---|---|"]
        numbers = (
            summary["requests"],
            summary["requests_per_second"],
            summary["failed"],
            *map(latency.get, ("p50", "p95", "p99")),
        )
        lines += ["| " + " | ".join("" if value is None else f"{value:,.6g}" for value in numbers) + " |"]
    return "\n".join([*lines, "", f"[Run page]({results['urls']['page']})", ""])


def cell(text: object) -> str:
    return one_line(text).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


def one_line(text: object) -> str:
    """Nothing a run says may begin a line, and with it a command to GitHub, of its own."""
    return " ".join(str(text).split())


def escaped(text: object) -> str:
    """For the message of a command."""
    return one_line(text).replace("%", "%25")


def token(url: str) -> str:
    """The given one, or this job's id-token for the portal: then no secret is stored anywhere."""
    if found := given("PORTAL_TOKEN"):
        return found
    asked, secret = given("ACTIONS_ID_TOKEN_REQUEST_URL"), given("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not asked or not secret:
        raise Refused("Give a token, or let the job have `permissions: id-token: write`.")
    request = urllib.request.Request(f"{asked}&audience={urllib.parse.quote(url, safe='')}")
    request.add_header("Authorization", f"Bearer {secret}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer)["value"]
    print(f"::add-mask::{found}")
    return found


def problem(error: urllib.error.HTTPError) -> str:
    try:
        found = json.load(error)
        fields = "; ".join(f"{item['field']}: {item['message']} {item['hint']}" for item in found["errors"])
        return f"{error.code} {found['detail']} {fields or found['hint']}"
    except (ValueError, KeyError):
        return f"{error.code} {error.reason}"


def given(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def word(name: str) -> str:
    """A word that may stand in a path."""
    return urllib.parse.quote(given(name), safe="")


def the_run() -> str:
    return urllib.parse.quote(Path(given("RUN_FILE")).read_text().strip(), safe="")


def output(name: str, value: object) -> None:
    if target := os.environ.get("GITHUB_OUTPUT"):
        with open(target, "a", encoding="utf-8") as file:
            file.write(f"{name}={one_line(value)}\n")


def main() -> int:
    commands = {"start": start, "wait": wait, "report": report, "stop": stop}
    try:
        return commands[sys.argv[1]](Portal())
    except Refused as error:
        print(f"::error::{escaped(error)}")
        return REFUSED if sys.argv[1] == "start" else ERROR


if __name__ == "__main__":
    sys.exit(main())

"""Runs as blocks of text that can be read aloud: an ended one (verdict and why, thresholds, numbers, requests, where to look),
a list of many, and what one would cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any  # Any: the results, as JSON

from portal.core.words import milliseconds, number, observed, per_cent
from portal.usecases.describe_comparison import value_of
from portal.usecases.describe_run import VERDICTS, key_numbers

MOST_ROWS = 40
_WORTH = {
    "suspect": "Read the numbers with care; the notes say why.",
    "invalid": "The numbers carry no judgement.",
}
_MARKS = {True: "met", False: "NOT MET", None: "no data"}


def report(results: dict[str, Any]) -> str:
    """Takes what `read_run.results_of` gives."""
    return "\n".join(_lines(results))


def _lines(results: dict[str, Any]) -> Iterator[str]:
    yield f"{_verdict(results)}: {results['scenario']} v{results['version']} on {results['environment']}, {results['backend']}"
    yield from (f"  {reason}" for reason in results["reasons"])
    if results["message"] and results["message"] not in results["reasons"]:
        yield f"  {results['message']}"
    yield from (f"  Note: {note}" for note in results["notes"])
    if results["trust"] in _WORTH:
        yield f"  Data: {results['trust']}. {_WORTH[results['trust']]}"
    if results["thresholds"]:
        yield ""
        yield "Thresholds"
        yield from _table([_threshold(item) for item in results["thresholds"]])
    if found := results["comparison"]:
        yield ""
        yield f"Beside {found['basis']}"
        yield from compared(found)
    if summary := results["summary"]:
        yield ""
        yield from _table([[name, value] for name, value in key_numbers(summary)])
        yield from _requests(summary.get("by_name") or ())
        yield from _errors(summary.get("errors") or ())
    yield ""
    yield f"Run page: {results['urls']['page']}"


def listed(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Takes the rows of `list_runs`."""
    head = ["Run", "Asked for (UTC)", "Scenario", "Where", "State", "Requests", "p95"]
    yield from _table([head, *([
        row["id"], f"{row['created'][:10]} {row['created'][11:16]}", f"{row['scenario']} v{row['version']}",
        f"{row['environment']}, {row['backend']}", row["verdict"] or (row["end_reason"] or row["state"]).replace("_", " "),
        number(row["requests"]), milliseconds(row["p95_ms"]),
    ] for row in rows)])  # fmt: skip


def estimated(found: dict[str, Any]) -> Iterator[str]:
    """Takes what `estimate_run` gives."""
    price, many = found["cost"], "worker" if found["workers"] == 1 else "workers"
    yield f"{found['scenario']} v{found['version']} on {found['environment']}, {found['backend']}: it would start."
    yield f"  {found['workers']:,} {many}, {number(found['vus'])} virtual users, {found['duration']}"
    if price["billed"]:
        yield f"  About {price['likely']:.2f} {price['currency']} ({price['low']:.2f} to {price['high']:.2f})"
        yield f"  Prices of {price['region']} on {price['prices_from']} for {price['worker']}"
        yield f"  Left out: {', '.join(price['left_out'])}"
    else:
        yield "  It costs nothing: its workers run on this machine."
    for quota in found["quotas"]:
        if quota["exceeded"]:
            yield f"  More than a new account may have: {quota['name']}, {quota['used']:,} of {quota['default']:,}"
    yield from (f"  Warning: {warning}" for warning in found["warnings"])


def _verdict(results: dict[str, Any]) -> str:
    if results["partial"]:
        return f"Still {results['state']}" if results["state"] != "ended" else "Ended without a result"
    return VERDICTS.get(results["verdict"] or "", "No verdict").upper()


def _threshold(item: dict[str, Any]) -> list[str]:
    window = item["window"] if " over " in item["text"] or " for " in item["text"] else None
    when = f", second {window['from']:.0f} to {window['to']:.0f}" if window else ""
    return [_MARKS[item["passed"]], item["text"], f"observed {observed(item['text'], item['observed'])}{when}"]


def compared(found: dict[str, Any]) -> Iterator[str]:
    """Takes what `describe_comparison.plain_comparison` gives."""
    yield from (f"  Not comparable: {obstacle}." for obstacle in found["obstacles"])
    yield from (f"  {remark}" for remark in found["remarks"])
    rows = [
        [change["judgement"].upper() if change["judgement"] == "worse" else change["judgement"], change["text"],
         f"{value_of(change, 'before')} before, {value_of(change, 'now')} now"]
        for change in found["changes"]
    ]  # fmt: skip
    yield from _table(rows) if rows else ()


def _requests(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    table = [["Request", "count", "req/s", "failed", "p50", "p95", "p99", "slowest"]]
    for row in rows[:MOST_ROWS]:
        latency = row.get("latency") or {}
        times = [milliseconds(latency.get(name)) for name in ("p50", "p95", "p99", "high")]
        failed = per_cent(row.get("failed"), row.get("count"))
        table.append(
            [str(row.get("name") or "(no name)")[:60], number(row.get("count")), number(row.get("per_second")), failed, *times]
        )
    yield from _table(table)
    if len(rows) > MOST_ROWS:
        yield f"  and {len(rows) - MOST_ROWS} more"


def _errors(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    if rows:
        yield ""
        yield "Errors"
        yield from _table([[number(row.get("count")), f"{row.get('kind')} {row.get('name')}"] for row in rows[:MOST_ROWS]])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()

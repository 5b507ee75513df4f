"""The audit log: every deed with who, from where and to what; in the transaction of its effect; never changed."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import Error

from portal.core.access import ALL, Actor, Way
from portal.core.errors import RequestRejected
from portal.models import AuditEntry, Run
from portal.models.audit import AppendOnly, Deed
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.create_token import create_token
from portal.usecases.export_audit import audit_since, export_audit
from portal.usecases.record_audit import record
from portal.usecases.request_run import request_run
from portal.usecases.stop_run import stop_run
from tests.builders import ADA, a_request, a_run, a_scenario, a_user, an_ended_run, an_environment
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db
CI = Actor("ci", Way.TOKEN, ALL, token="ab12", ip="192.0.2.7", agent="curl/8")


def entry(deed: Deed) -> AuditEntry:
    return AuditEntry.objects.get(deed=deed)


def test_a_request_is_told_with_who_from_where_and_what() -> None:
    a_scenario()
    an_environment()
    run = request_run(a_request(), Scene().parts, by=CI)
    found = entry(Deed.RUN_REQUESTED)
    assert (found.who, found.way, found.token, found.ip, found.agent) == ("ci", "token", "ab12", "192.0.2.7", "curl/8")
    assert (found.run, found.scenario, found.environment) == (run.id, "product v1", "local")
    assert found.detail["backend"] == "lambda"


def test_the_same_key_again_is_told_once() -> None:
    a_scenario()
    an_environment()
    for _ in range(2):
        request_run(replace(a_request(), idempotency_key="k"), Scene().parts, by=CI)
    assert AuditEntry.objects.count() == 1


def test_a_refused_request_leaves_neither_run_nor_entry() -> None:
    with pytest.raises(RequestRejected):
        request_run(a_request(), Scene().parts, by=CI)
    assert not AuditEntry.objects.exists()


def test_what_is_rolled_back_was_not_done() -> None:
    run = a_run()
    with transaction.atomic():
        stop_run(run.id, Scene().parts, by=CI)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()
    assert Run.objects.get().state == "queued"


def test_a_stop_is_told_once_and_a_run_that_was_over_not_at_all() -> None:
    run = a_run()
    for _ in range(2):
        stop_run(run.id, Scene().parts, by=CI)
    stop_run(an_ended_run().id, Scene().parts, by=CI)
    assert entry(Deed.RUN_STOPPED).run == run.id


def test_tokens_and_baselines_are_told() -> None:
    row, token = create_token("deploy", a_user(), by=ADA, scopes=["read"])
    accept_baseline(an_ended_run().id, ADA)
    found = entry(Deed.TOKEN_CREATED)
    assert (found.subject, found.detail["scopes"]) == (str(row), ["read"])
    assert token not in json.dumps(found.detail) + found.subject
    assert entry(Deed.BASELINE_ACCEPTED).environment == "local"


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.save(),
        lambda row: row.delete(),
        lambda row: AuditEntry.objects.all().delete(),
        lambda row: AuditEntry.objects.update(who="eve"),
        lambda row: AuditEntry.objects.bulk_update([row], ["who"]),
    ],
)
def test_an_entry_cannot_be_changed_or_removed(change: Any) -> None:
    record(CI, Deed.ENVIRONMENT_SAVED, environment="local")
    with pytest.raises(AppendOnly):
        change(AuditEntry.objects.get())
    assert AuditEntry.objects.get().who == "ci"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the trigger is PostgreSQL's")
@pytest.mark.parametrize("statement", ["DELETE FROM portal_auditentry", "UPDATE portal_auditentry SET who = 'eve'"])
def test_the_database_refuses_too(statement: str) -> None:
    record(CI, Deed.ENVIRONMENT_SAVED, environment="local")
    with pytest.raises(Error, match="only be added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_export_has_every_entry_and_no_formula() -> None:
    record(Actor("=cmd()", Way.BROWSER, ALL), Deed.ENVIRONMENT_SAVED, environment="local", changed=["targets"])
    record(CI, Deed.ENVIRONMENT_DELETED, environment="old")
    rows = list(csv.DictReader(io.StringIO("".join(export_audit(audit_since(None), "csv")))))
    lines = [json.loads(line) for line in export_audit(audit_since(None), "json")]
    assert [row["who"] for row in rows] == ["'=cmd()", "ci"]
    assert json.loads(rows[0]["detail"]) == {"changed": ["targets"]} == lines[0]["detail"]
    assert [line["deed"] for line in lines] == ["environment.saved", "environment.deleted"]

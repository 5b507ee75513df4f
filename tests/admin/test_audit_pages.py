"""What is done by hand is told too, and the log can be read, filtered and exported, not changed."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.access import Role
from portal.models import AuditEntry
from portal.models.audit import Deed
from portal.usecases.record_audit import record
from tests.builders import ADA, NO_ROWS, a_token, a_user, an_environment

pytestmark = pytest.mark.django_db
LOG = reverse("admin:portal_auditentry_changelist")


def logged_in(role: Role) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.9", headers={"User-Agent": "a browser"})
    client.force_login(a_user("eve", role=role, is_staff=True))
    return client


def test_saving_and_deleting_an_environment_is_told(browser: Client) -> None:
    row = an_environment()
    fields = {
        "name": "local",
        "place": "local",
        "freezes": "[]",
        "timezone": "UTC",
        **NO_ROWS,
        "targets": "{}",
        "parameters": '{"LANGUAGE": "de"}',
        "most_vus": "5",
    }
    browser.post(reverse("admin:portal_environment_change", args=(row.pk,)), fields)
    browser.post(reverse("admin:portal_environment_delete", args=(row.pk,)), {"post": "yes"})
    deleted, saved = AuditEntry.objects.all()
    assert (saved.who, saved.way, saved.environment, saved.ip) == ("root", "browser", "local", "127.0.0.1")
    assert set(saved.detail["changed"]) == {"targets", "parameters", "most_vus"}
    assert "de" not in json.dumps(saved.detail["changed"])
    assert (deleted.deed, deleted.environment) == (Deed.ENVIRONMENT_DELETED, "local")


def test_roles_given_and_passwords_set_are_told(browser: Client) -> None:
    eve = a_user("eve")
    page = reverse("admin:auth_user_change", args=(eve.pk,))
    browser.post(page, {"username": "eve", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"})
    password = reverse("admin:auth_user_password_change", args=(eve.pk,))
    browser.post(password, {"password1": "a new one for tests", "password2": "a new one for tests", "usable_password": "true"})
    changed, saved = AuditEntry.objects.all()
    assert (saved.subject, saved.detail["roles"], saved.detail["superuser"]) == ("eve", [], False)
    assert changed.detail == {"changed": ["password"]}


def test_revoking_a_token_is_told(browser: Client) -> None:
    row, token = a_token()
    fields = {"name": "ci", "revoked": "on", "scopes": ["read"], "everywhere": "on"}
    browser.post(reverse("admin:portal_apitoken_change", args=(row.pk,)), fields)
    found = AuditEntry.objects.get()
    assert (found.deed, found.detail["revoked"]) == (Deed.TOKEN_CHANGED, True)
    assert token.rsplit("_", 1)[1] not in json.dumps(found.detail) + found.subject


def test_an_admin_reads_and_exports_the_log_and_cannot_change_it() -> None:
    record(ADA, Deed.ENVIRONMENT_SAVED, environment="local")
    client, row = logged_in(Role.ADMIN), AuditEntry.objects.get()
    assert "environment saved" in client.get(LOG, {"deed__exact": Deed.ENVIRONMENT_SAVED}).content.decode()
    page = reverse("admin:portal_auditentry_change", args=(row.pk,))
    assert client.get(page).status_code == 200
    assert client.post(page, {"who": "eve"}).status_code == 403
    assert client.post(reverse("admin:portal_auditentry_delete", args=(row.pk,)), {"post": "yes"}).status_code == 403
    for action, start in (("as_csv", "at,who,"), ("as_json", '{"at": ')):
        answer = client.post(LOG, {"action": action, "_selected_action": [row.pk]})
        assert b"".join(answer.streaming_content).decode().startswith(start)  # type: ignore[attr-defined]
    assert client.post(LOG, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}).status_code != 200
    assert not AuditEntry.objects.exclude(pk=row.pk).exclude(deed=Deed.ACCESS_REFUSED).exists()
    assert AuditEntry.objects.get(pk=row.pk).who == ADA.name


def test_nobody_else_reads_it() -> None:
    assert logged_in(Role.AUTHOR).get(LOG).status_code == 403

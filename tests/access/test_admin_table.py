"""Every page of the admin x role: the same policy as in the API. A page that is not in the table fails."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import NoReverseMatch, reverse

from portal.core.access import Role
from portal.models import AuditEntry, Worker
from portal.models.audit import Deed
from portal.usecases.record_audit import record
from tests.access.addresses import addresses
from tests.builders import ADA, a_run, a_scenario, a_token, a_user, an_environment, newest

pytestmark = pytest.mark.django_db

STAFF = {*Role}
AUTHORS, ADMINS, NOBODY = {"author", "admin"}, {"admin"}, set[str]()
RUNNERS = {"runner", "author", "admin"}
OF_EVERY_USER = ("index", "login", "logout", "password_change", "password_change_done", "jsi18n", "app_list", "search")
FURTHER = {"portal_run_report": ("html",)}
"""What an address needs besides a row's id."""
OWN_RULES = ("autocomplete", "view_on_site")
"""Pages of Django that ask the permissions of whatever they show."""
PAGES: dict[str, set[str]] = {
    "portal_run_changelist": STAFF, "portal_run_change": STAFF, "portal_run_history": STAFF, "portal_run_live": STAFF,
    "portal_run_log": STAFF, "portal_run_report": STAFF,
    "portal_run_add": NOBODY, "portal_run_delete": NOBODY, "portal_run_again": RUNNERS,
    "portal_run_baseline": AUTHORS, "portal_run_approve": {"approver", "admin"}, "portal_run_kill_switch": RUNNERS | {"approver"},
    "portal_run_compare": STAFF,
    "portal_run_stop": RUNNERS | {"approver"},
    "portal_scenario_changelist": STAFF, "portal_scenario_change": STAFF, "portal_scenario_history": STAFF,
    "portal_scenario_add": AUTHORS, "portal_scenario_delete": AUTHORS, "portal_scenario_run_now": RUNNERS,
    "portal_scenarioversion_changelist": STAFF, "portal_scenarioversion_change": STAFF, "portal_scenarioversion_history": STAFF,
    "portal_scenarioversion_add": NOBODY, "portal_scenarioversion_delete": NOBODY,
    "portal_environment_changelist": STAFF, "portal_environment_change": STAFF, "portal_environment_history": STAFF,
    "portal_environment_connection": ADMINS, "portal_environment_add": ADMINS, "portal_environment_delete": ADMINS,
    "portal_apitoken_changelist": STAFF, "portal_apitoken_add": STAFF, "portal_apitoken_change": ADMINS,
    "portal_apitoken_history": ADMINS, "portal_apitoken_delete": ADMINS,
    "portal_auditentry_changelist": ADMINS, "portal_auditentry_change": ADMINS, "portal_auditentry_history": ADMINS,
    "portal_auditentry_add": NOBODY, "portal_auditentry_delete": NOBODY,
    "auth_user_changelist": ADMINS, "auth_user_change": ADMINS, "auth_user_history": ADMINS, "auth_user_add": ADMINS,
    "auth_user_delete": ADMINS, "auth_user_password_change": ADMINS,
    "auth_group_changelist": ADMINS, "auth_group_change": ADMINS, "auth_group_history": ADMINS, "auth_group_add": NOBODY,
    "auth_group_delete": NOBODY,
}  # fmt: skip
"""Who may open it; the pages of another's token, and those of jobs in the queue (superusers only), are `NOBODY`'s else."""


def names() -> list[str]:
    return [address.name for address in addresses() if address.in_admin]


def is_of_the_queue(name: str) -> bool:
    return name.startswith("django_q_")


def is_plain(name: str) -> bool:
    """Redirects to a page, and the admin's own 404."""
    return name in OF_EVERY_USER or name in OWN_RULES or not name.replace("_", "").isalnum()


def test_the_table_has_every_page_of_the_admin() -> None:
    assert {name for name in names() if not is_plain(name) and not is_of_the_queue(name)} == set(PAGES)


@pytest.fixture
def things() -> dict[str, object]:
    """One row of every kind, by model."""
    scenario, environment, run = a_scenario(), an_environment(), a_run()
    Worker.objects.create(run=run, slot=0)
    record(ADA, Deed.ENVIRONMENT_SAVED, environment="local")
    return {
        "portal_run": run.pk, "portal_scenario": scenario.pk, "portal_scenarioversion": newest(scenario).pk,
        "portal_environment": environment.pk, "portal_apitoken": a_token(a_user("other"))[0].pk,
        "portal_auditentry": AuditEntry.objects.get().pk,
        "auth_user": a_user("third").pk, "auth_group": Group.objects.all()[0].pk,
    }  # fmt: skip


def opened(client: Client, name: str, things: dict[str, object]) -> int:
    try:
        path = reverse(f"admin:{name}")
    except NoReverseMatch:
        model = "_".join(name.split("_")[:2])
        path = reverse(f"admin:{name}", args=(things.get(model, "1"), *FURTHER.get(name, ())))
    return client.get(path).status_code


@pytest.mark.parametrize("role", Role)
def test_who_may_open_what(role: Role, things: dict[str, object]) -> None:
    client = Client()
    client.force_login(a_user("eve", role=role, is_staff=True))
    wrong = []
    for name in [name for name in names() if not is_plain(name)]:
        may = role in PAGES.get(name, NOBODY)
        status = opened(client, name, things)
        # What a user may not see at all, Django's admin answers with a redirect to its index.
        if (status == 200) != may or status >= 500:
            wrong.append(f"{name}: {status}")
    assert not wrong


def test_strangers_and_users_who_are_no_staff_see_the_login_and_nothing_else(things: dict[str, object]) -> None:
    user = Client()
    user.force_login(a_user("eve", role=Role.ADMIN))
    for client in (Client(), user):
        for name in [name for name in names() if not is_plain(name)]:
            assert opened(client, name, things) == 302, name

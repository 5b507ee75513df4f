"""Everybody makes their own tokens in the admin; nobody lends themselves somebody else's rights."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.access import Role
from portal.models import ApiToken
from tests.builders import a_token, a_user, an_admin, an_environment

pytestmark = pytest.mark.django_db
ADD = reverse("admin:portal_apitoken_add")
FIELDS = {"name": "mine", "scopes": ["read"], "everywhere": "on"}


def logged_in(role: Role = Role.VIEWER) -> Client:
    client = Client()
    client.force_login(a_user("eve", role=role, is_staff=True))
    return client


def test_a_viewer_makes_a_token_for_itself_whatever_is_posted() -> None:
    client, root = logged_in(), an_admin()
    assert client.post(ADD, {**FIELDS, "user": root.pk}).status_code == 302
    assert ApiToken.objects.get().user.get_username() == "eve"


def test_a_viewer_sees_no_token_of_others() -> None:
    client, (row, _) = logged_in(), a_token()
    assert row.public_id not in client.get(reverse("admin:portal_apitoken_changelist")).content.decode()
    client.post(reverse("admin:portal_apitoken_change", args=(row.pk,)), {**FIELDS, "revoked": "on"})
    row.refresh_from_db()
    assert not row.revoked


def test_an_admin_makes_tokens_for_others() -> None:
    ada = a_user()
    logged_in(Role.ADMIN).post(ADD, {**FIELDS, "user": ada.pk})
    assert ApiToken.objects.get().user == ada


def test_a_token_that_is_limited_names_its_environments() -> None:
    client, environment = logged_in(), an_environment("staging")
    refused = client.post(ADD, {"name": "mine", "scopes": ["read"]})
    assert set(refused.context["adminform"].form.errors) == {"environments"}
    client.post(ADD, {"name": "mine", "scopes": ["read"], "environments": [environment.pk]})
    assert ApiToken.objects.get().environment_names() == ("staging",)


def test_an_admin_cannot_make_itself_a_superuser_or_take_over_one() -> None:
    client, root = logged_in(Role.ADMIN), an_admin()
    eve = a_user("mallory", is_staff=True)
    page = reverse("admin:auth_user_change", args=(eve.pk,))
    client.post(page, {"username": "mallory", "is_superuser": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"})
    eve.refresh_from_db()
    assert not eve.is_superuser
    password = reverse("admin:auth_user_password_change", args=(root.pk,))
    assert client.post(password, {"password1": "a new one for tests", "password2": "a new one for tests"}).status_code == 403

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from portal.models import ApiToken, Environment
from portal.models.access import find_token
from tests.builders import NO_ROWS, a_token, an_ended_run, an_environment

pytestmark = pytest.mark.django_db


def save_environment(browser: Client, **fields: str) -> Any:
    values = {
        "name": "local",
        "description": "",
        "place": "local",
        "targets": '{"product": "http://127.0.0.1:1"}',
        "parameters": "{}",
    }
    return browser.post(reverse("admin:portal_environment_add"), {**NO_ROWS, **values, **fields})


def test_an_environment_is_saved(browser: Client) -> None:
    assert save_environment(browser, parameters='{"LANGUAGE": "de", "N": 3}', most_vus="10").status_code == 302
    row = Environment.objects.get()
    assert (row.targets, row.parameters, row.most_vus) == ({"product": "http://127.0.0.1:1"}, {"LANGUAGE": "de", "N": "3"}, 10)


def test_an_empty_form_shows_no_null_and_what_aws_needs_only_for_aws(browser: Client) -> None:
    html = browser.get(reverse("admin:portal_environment_add")).content.decode()
    assert not re.search(r"<textarea[^>]*>\s*(null|\{\}|\[\])", html)
    assert "place == &#x27;aws&#x27;" in html


def test_the_list_says_where_and_how_much(browser: Client) -> None:
    an_environment("far", place="aws", aws={"region": "eu-central-1", "bucket": "results"}, most_vus=2000)
    html = browser.get(reverse("admin:portal_environment_changelist")).content.decode()
    assert "AWS eu-central-1" in html
    assert "2,000 virtual users" in html


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("targets", "{"), ("targets", "[]x"), ("targets", '{"product": "ftp://x"}'), ("targets", '{"Bad Name": "http://x"}'),
        ("targets", '{"product": "http://u:p@x"}'), ("parameters", '{"K6_OUT": "x"}'), ("parameters", '{"a b": 1}'),
        ("parameters", "[1]"),
        ("most_vus", "0"), ("name", "Not A Name"),
    ],
)  # fmt: skip
def test_a_wrong_environment_is_refused_at_its_field(browser: Client, field: str, value: str) -> None:
    answer = save_environment(browser, **{field: value})
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}


def test_json_is_shown_over_several_lines(browser: Client) -> None:
    row = an_environment()
    html = browser.get(reverse("admin:portal_environment_change", args=(row.pk,))).content.decode()
    assert "{\n  &quot;product&quot;" in html


def test_a_new_token_is_shown_once_and_works(browser: Client) -> None:
    user = browser.get(reverse("admin:index")).wsgi_request.user
    answer = browser.post(
        reverse("admin:portal_apitoken_add"),
        {"name": "ci", "user": user.pk, "scopes": ["read", "run"], "everywhere": "on"},
        follow=True,
    )
    (message,) = (str(item) for item in answer.context["messages"] if "kd_" in str(item) and "shown" in str(item))
    row = ApiToken.objects.get()
    assert find_token(message.rsplit(" ", 1)[1]) == row
    assert (row.scopes, row.environment_names()) == (["read", "run"], None)
    page = browser.get(reverse("admin:portal_apitoken_change", args=(row.pk,))).content.decode()
    assert row.digest not in page


def test_a_token_can_be_revoked_but_not_given_to_another(browser: Client) -> None:
    row, token = a_token()
    browser.post(
        reverse("admin:portal_apitoken_change", args=(row.pk,)),
        {"name": "ci", "revoked": "on", "user": "1", "scopes": ["read"], "everywhere": "on"},
    )
    before, row = row.user, ApiToken.objects.get()
    assert (row.revoked, row.user) == (True, before)
    assert find_token(token) is None


def test_every_list_and_every_add_page_opens(browser: Client) -> None:
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert browser.get(reverse(f"{name}_changelist")).status_code == 200
        assert browser.get(reverse(f"{name}_add")).status_code == (
            200 if page.has_add_permission(browser.get("/admin/").wsgi_request) else 403
        )


def test_no_page_has_a_script_of_its_own_inside(browser: Client) -> None:
    html = browser.get(reverse("admin:portal_run_change", args=(an_ended_run().id,))).content.decode()
    ours = html[html.index('id="kd-run"') : html.index("run_page.js")]
    assert "<script>" not in ours
    assert " onclick" not in ours


def test_the_connection_of_an_environment_is_tested_by_its_button(browser: Client) -> None:
    row = an_environment()
    address = reverse("admin:portal_environment_connection", args=(row.pk,))
    assert "Test the connection?" in browser.get(address).content.decode()
    answer = browser.post(address, {"_form_submitted": "True"})
    page = reverse("admin:portal_environment_change", args=(row.pk,))
    assert answer["HX-Redirect"] == page
    assert "place: Workers run on this machine." in browser.get(page).content.decode()

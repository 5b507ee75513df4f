import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.models import ApiToken
from tests.builders import an_admin, an_environment

Manage = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _admin(transactional_db: None) -> None:
    an_admin()


def test_a_token_gets_scopes_environments_and_days(manage: Manage) -> None:
    an_environment("staging")
    words = ("--scope", "read", "--scope", "run", "--environment", "staging", "--days", "30", "--json")
    code, out, _ = manage("loadtest", "token", "ci", *words)
    found, row = json.loads(out), ApiToken.objects.get()
    assert code == 0
    assert (found["scopes"], found["environments"]) == (["read", "run"], ["staging"])
    assert (row.scopes, row.environment_names()) == (["read", "run"], ("staging",))
    assert row.expires is not None
    assert timedelta(days=29) < row.expires - timezone.now() <= timedelta(days=30)


def test_without_words_it_may_read_run_and_stop_everywhere(manage: Manage) -> None:
    _, out, _ = manage("loadtest", "token", "ci")
    assert "may read, run, stop" in out
    assert ApiToken.objects.get().environment_names() is None


@pytest.mark.parametrize("words", [("--scope", "root"), ("--environment", "nope"), ("--days", "0"), ("--days", "x")])
def test_what_is_wrong_is_refused_and_no_token_is_made(manage: Manage, words: tuple[str, str]) -> None:
    assert manage("loadtest", "token", "ci", *words)[0] == 2
    assert not ApiToken.objects.exists()


def test_the_audit_log_is_printed_since_a_moment(manage: Manage) -> None:
    manage("loadtest", "token", "ci")
    code, out, _ = manage("loadtest", "audit", "--since", "1h", "--format", "json")
    assert code == 0
    assert [json.loads(line)["deed"] for line in out.splitlines()] == ["token.created"]
    assert manage("loadtest", "audit", "--since", "2999-01-01")[1].count("\n") == 1
    assert manage("loadtest", "audit", "--since", "soon")[0] == 2

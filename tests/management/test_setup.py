from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from portal.models import Environment, Scenario

pytestmark = pytest.mark.django_db
Manage = Callable[..., tuple[int, str, str]]


def password_in(out: str) -> str:
    return out.split("password ")[1].split()[0]


def test_setup_admin_prints_a_password_that_works_once(manage: Manage) -> None:
    _, out, _ = manage("setup_admin")
    user = User.objects.get(username="admin")
    assert user.check_password(password_in(out))
    assert user.is_superuser
    _, out, _ = manage("setup_admin")
    assert "exists already" in out
    assert "password " not in out.replace("its password stays", "")


def test_setup_admin_gives_a_new_password_when_asked(manage: Manage) -> None:
    manage("setup_admin")
    _, out, _ = manage("setup_admin", "--reset")
    assert User.objects.get(username="admin").check_password(password_in(out))


@pytest.mark.engines
def test_the_catalog_of_this_project_imports_and_changes_nothing_the_second_time(manage: Manage) -> None:
    code, out, err = manage("catalog")
    assert (code, err) == (0, "")
    assert "Environment local created" in out
    assert Scenario.objects.filter(engine="artillery").exists()
    assert Scenario.objects.filter(engine="k6").exists()
    _, again, _ = manage("catalog")
    assert "imported" not in again
    assert Environment.objects.count() == 1


def test_a_catalog_that_cannot_be_read_is_an_error(manage: Manage) -> None:
    code, _, err = manage("catalog", "no/such/catalog.yaml")
    assert code == 1
    assert "cannot be read" in err

"""The rule itself, over all that can come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.access import ALL, ROLES, Action, Actor, Decision, Role, Scope, Way, actions_of_scopes
from portal.core.errors import Forbidden, NotFound

ACTORS = st.builds(
    Actor, name=st.just("ada"), way=st.sampled_from(Way), actions=st.frozensets(st.sampled_from(Action)),
    environments=st.none() | st.frozensets(st.sampled_from("ab")),
)  # fmt: skip


@given(ACTORS, st.sampled_from(Action), st.sampled_from("ab") | st.none())
def test_hidden_comes_before_forbidden_and_allowed_needs_both(actor: Actor, action: Action, environment: str | None) -> None:
    decision = actor.decide(action, environment)
    sees = environment is None or actor.sees(environment)
    assert (decision is Decision.HIDDEN) == (not sees)
    if decision is Decision.ALLOWED:
        assert action in actor.actions


@given(ACTORS, st.frozensets(st.sampled_from(Scope)), st.none() | st.frozensets(st.sampled_from("ab")), st.sampled_from(Action))
def test_a_token_never_adds_to_what_its_user_may(
    actor: Actor, scopes: frozenset[Scope], names: frozenset[str] | None, action: Action
) -> None:
    user = Actor(actor.name, actor.way, actor.actions)
    token = user.limited_to(scopes, names)
    for place in ("a", "b", None):
        if token.decide(action, place) is Decision.ALLOWED:
            assert user.decide(action, place) is Decision.ALLOWED
            assert action in actions_of_scopes(scopes)


def test_a_token_limited_to_environments_rules_over_none_of_the_rest() -> None:
    root = Actor("root", Way.TOKEN, ALL).limited_to([Scope.ADMIN], ["a"])
    assert root.decide(Action.ADMIN, "a") is Decision.ALLOWED
    assert root.decide(Action.ADMIN, "b") is Decision.HIDDEN
    assert root.decide(Action.ADMIN) is Decision.FORBIDDEN


def test_words_that_are_no_scope_grant_nothing() -> None:
    assert actions_of_scopes(["root", "", "*", "approve"]) == frozenset()


def test_the_admin_scope_holds_all_others_and_the_admin_role_all_roles() -> None:
    assert actions_of_scopes(["admin"]) == ALL
    assert all(actions <= ROLES[Role.ADMIN] for actions in ROLES.values())


def test_nobody_who_starts_runs_approves_them_but_the_admin() -> None:
    both = {role for role, actions in ROLES.items() if {Action.RUN, Action.APPROVE} <= actions}
    assert both == {Role.ADMIN}


def test_what_is_hidden_is_not_found_and_what_is_seen_is_forbidden_with_a_way_out() -> None:
    reader = Actor("ci", Way.TOKEN, frozenset({Action.READ}), frozenset({"a"}))
    with pytest.raises(NotFound):
        reader.must(Action.RUN, "b")
    with pytest.raises(Forbidden) as refused:
        reader.must(Action.RUN, "a")
    assert "scope run" in refused.value.hint

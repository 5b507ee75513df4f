import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.trusted_job import Claims, Trust

WORDS = st.text("abcXY/-._*:1", max_size=20)


@pytest.mark.parametrize(
    ("rule", "claims", "covered"),
    [
        (Trust("acme/shop", "refs/heads/main"), Claims("acme/shop", "refs/heads/main"), True),
        (Trust("acme/shop", "refs/heads/main"), Claims("acme/shop", "refs/heads/dev"), False),
        (Trust("acme/shop", "refs/heads/main"), Claims("evil/shop", "refs/heads/main"), False),
        (Trust("acme/shop", "refs/heads/main"), Claims("acme/shop-fork", "refs/heads/main"), False),
        (Trust("acme/shop-*", "refs/heads/release/*"), Claims("acme/shop-api", "refs/heads/release/1"), True),
        (Trust("acme/shop-*", "refs/heads/release/*"), Claims("acme/shop-api", "refs/heads/release/1/x"), False),
        (Trust("acme/shop", environment="prod"), Claims("acme/shop", "refs/heads/any", "prod"), True),
        (Trust("acme/shop", environment="prod"), Claims("acme/shop", "refs/heads/any"), False),
        (Trust("acme/shop", "refs/heads/main", "prod"), Claims("acme/shop", "refs/heads/main", "dev"), False),
        (Trust("acme/shop", "refs/tags/v1.0"), Claims("acme/shop", "refs/tags/v1x0"), False),
    ],
)
def test_a_rule_covers_what_it_says_and_nothing_else(rule: Trust, claims: Claims, covered: bool) -> None:
    assert rule.covers(claims) is covered


@pytest.mark.parametrize(
    "rule",
    [
        Trust("acme/shop"), Trust("*", "refs/heads/main"), Trust("*/*", "refs/heads/main"), Trust("acme/*", "refs/heads/main"),
        Trust("*/shop", "refs/heads/main"), Trust("acme/shop", "*"), Trust("acme/shop", "refs/heads/*"),
        Trust("acme/shop", "main"), Trust("acme/shop", environment="*"), Trust("", "refs/heads/main"),
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_that_would_trust_everybody_covers_nobody(rule: Trust) -> None:
    assert rule.problems()
    assert not rule.covers(Claims("acme/shop", "refs/heads/main", "prod"))


@given(WORDS, WORDS, WORDS, WORDS, WORDS)
def test_no_rule_covers_another_owner(repository: str, ref: str, environment: str, claimed: str, at: str) -> None:
    rule, claims = Trust(repository, ref, environment), Claims(claimed, at, environment)
    if rule.covers(claims):
        assert claims.repository.partition("/")[0] == repository.partition("/")[0]

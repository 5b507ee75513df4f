"""Only what the issuer signed, for this portal, now. Its keys are asked for seldom, and kept while it is away."""

import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_encode

from portal.core.trusted_job import Claims
from portal.net.fetch import FetchFailed
from portal.net.id_token import IdTokens, IssuerUnreachable, TokenInvalid
from portal.net.key_set import ASK_EVERY, KEPT_SECONDS, STALE_SECONDS, KeySet
from tests.fakes import FakeClock
from tests.issuer import AUDIENCE, Issuer


class Scene:
    """`away`: the issuer does not answer."""

    def __init__(self) -> None:
        self.issuer, self.clock, self.away = Issuer(), FakeClock(), False
        self.tokens = IdTokens(KeySet("x", self.fetch, self.clock.now), issuer=self.issuer.url, audience=AUDIENCE)

    def fetch(self, url: str) -> bytes:
        if self.away:
            raise FetchFailed("away")
        return self.issuer.key_set()

    def verify(self, **claims: Any) -> Claims:
        return self.tokens.verify(self.issuer.token(**claims))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_genuine_token_says_whose_job_it_is(scene: Scene) -> None:
    assert scene.verify(environment="prod") == Claims("acme/shop", "refs/heads/main", "prod")


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://other.example"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 600},
        {"drop": "exp"},
        {"drop": "aud"},
        {"drop": "nbf"},
        {"signer": rsa.generate_private_key(65537, 2048)},
    ],
    # Named: a key and a moment are others in every test process, and the processes must find the same tests.
    ids=["audience", "issuer", "expired", "not yet", "no expiry", "no audience", "no beginning", "foreign key"],
)
def test_any_other_is_refused(scene: Scene, wrong: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        scene.verify(**wrong)


@pytest.mark.parametrize("token", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "x" * 10_000, "ä.ö.ü"])
def test_garbage_is_refused(scene: Scene, token: str) -> None:
    with pytest.raises(TokenInvalid):
        scene.tokens.verify(token)


def test_a_token_without_signature_or_signed_with_the_public_key_is_refused(scene: Scene) -> None:
    public = scene.issuer.key_set()
    for algorithm, key in (("none", b""), ("HS256", public)):
        header, body = (encoded(part) for part in ({"alg": algorithm, "kid": "key-0"}, scene.issuer.claims()))
        signature = hmac.digest(key, f"{header}.{body}".encode(), "sha256") if key else b""
        with pytest.raises(TokenInvalid):
            scene.tokens.verify(f"{header}.{body}.{base64url_encode(signature).decode()}")


def encoded(part: dict[str, Any]) -> str:
    return base64url_encode(json.dumps(part).encode()).decode()


def test_keys_are_asked_for_once_an_hour(scene: Scene) -> None:
    for _ in range(5):
        scene.verify()
    assert scene.issuer.asked == 1
    scene.clock.advance(KEPT_SECONDS + 1)
    scene.verify()
    assert scene.issuer.asked == 2


def test_a_new_key_of_the_issuer_is_found_and_a_withdrawn_one_forgotten(scene: Scene) -> None:
    scene.verify()
    scene.issuer.rotate()
    scene.issuer.published.remove("key-0")
    scene.clock.advance(ASK_EVERY + 1)
    scene.verify()
    with pytest.raises(TokenInvalid):
        scene.verify(key="key-0")


def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(scene: Scene) -> None:
    stranger = Issuer(scene.issuer.url)
    stranger.keys["other"] = stranger.keys.pop("key-0")
    for _ in range(20):
        with pytest.raises(TokenInvalid):
            scene.tokens.verify(stranger.token())
    assert scene.issuer.asked == 1


def test_while_the_issuer_is_away_known_keys_stay_good_for_a_day(scene: Scene) -> None:
    scene.verify()
    scene.away = True
    scene.clock.advance(STALE_SECONDS - 60)
    scene.verify()
    scene.clock.advance(120)
    with pytest.raises(IssuerUnreachable):
        scene.verify()

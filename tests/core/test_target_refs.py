"""What is a reference to a target, and what is not."""

from __future__ import annotations

import pytest

from portal.core.fields import FieldError
from portal.core.fields import targets as plain_targets
from portal.core.target_refs import TargetRef, read_ref, references, targets, url_of

GOOD = (
    "ssm:/shop/url",
    "cfn:shop-dev/ProductUrl",
    "cloudmap:shop.local/product",
    "alb:service=shop",
    "srv:_http._tcp.shop.example",
)
BAD = (
    "ssm:",
    "ssm:/a b",
    "cfn:shop",
    "cfn:a/b/c",
    "cloudmap:/x",
    "alb:shop",
    "srv:-x",
    "http://x",
    "",
    "file:///etc/passwd",
    "s3:x",
)


@pytest.mark.parametrize("text", GOOD)
def test_a_reference_reads_back_as_it_was_written(text: str) -> None:
    ref = read_ref(text)
    assert ref is not None
    assert (str(ref), ref.needs_aws) == (text, not text.startswith("srv"))


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_none(text: str) -> None:
    assert read_ref(text) is None


def test_an_environment_may_mix_urls_and_references_and_a_request_may_not() -> None:
    mixed = {"product": "ssm:/shop/url", "user": "https://shop.example"}
    assert targets(mixed) == mixed
    assert references(mixed) == {"product": TargetRef("ssm", "/shop/url")}
    with pytest.raises(FieldError):
        plain_targets(mixed)
    with pytest.raises(FieldError, match="not a target") as caught:
        targets({"product": "cfn:shop"})
    assert "cfn:stack/Output" in caught.value.hint


@pytest.mark.parametrize(("port", "url"), [(80, "http://h"), (443, "https://h"), (8080, "http://h:8080")])
def test_the_scheme_follows_from_the_port(port: int, url: str) -> None:
    assert url_of("h", port) == url

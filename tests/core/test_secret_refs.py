import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.fields import FieldError
from portal.core.secret_refs import SHORTEST, Redaction, one_value, secrets

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/key-AbCdEf"


@pytest.mark.parametrize(
    "reference",
    ["env:KNOPFDRUCK_SECRET_KEY", f"secretsmanager:{ARN}", f"secretsmanager:{ARN}#password",
     "ssm:arn:aws:ssm:eu-central-1:123456789012:parameter/shop/key"],
)  # fmt: skip
def test_a_reference_says_where_the_value_is(reference: str) -> None:
    assert secrets({"KEY": reference}) == {"KEY": reference}


@pytest.mark.parametrize(
    "wrong", ["hunter2", "env:AWS_SECRET_ACCESS_KEY", "env:SECRET_KEY", "env:", "ssm:/shop/key", "file:/etc/passwd", ARN]
)
def test_what_is_no_reference_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(FieldError) as error:
        secrets({"KEY": wrong})
    assert wrong not in str(error.value)


@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_nothing_of_a_value_is_left_in_any_spelling(value: str, before: str, after: str) -> None:
    hide = Redaction([value])
    for spelling in (value, quote(value, safe=""), json.dumps(value)[1:-1]):
        assert value not in hide(f"{before}\n{spelling}\n{after}").replace("[secret]", "\x00")


def test_without_values_all_stays_as_it_is() -> None:
    assert not Redaction([])
    assert Redaction(["abc"])("abc") == "abc"


def test_a_value_of_a_json_secret_is_found_by_its_key() -> None:
    assert one_value('{"user": "ada", "n": 5}', "user") == "ada"
    for text, key in (('{"user": "hunter2"}', "password"), ("hunter2", "user"), ('{"n": 5}', "n"), ("[]", "n")):
        with pytest.raises(ValueError, match=key) as error:
            one_value(text, key)
        assert "hunter2" not in str(error.value)

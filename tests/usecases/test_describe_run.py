from datetime import timedelta
from fractions import Fraction

from portal.core.load import ClosedLoad, OpenLoad, ScriptLoad, Stage
from portal.usecases.describe_run import load_in_words


def test_loads_are_said_in_words() -> None:
    minute = timedelta(minutes=1)
    assert load_in_words(ClosedLoad.constant(20, minute)) == "20 virtual users for 1m"
    assert load_in_words(OpenLoad.constant(Fraction(1, 2), minute, 9)) == "0.5 arrivals/s for 1m, at most 9 virtual users"
    assert load_in_words(ClosedLoad(Fraction(0), (Stage(minute, Fraction(5)),))) == "virtual users, from 0: 5 in 1m"
    assert load_in_words(ScriptLoad(minute, 50, None)) == "as scripted: 1m, up to 50 virtual users"
    assert load_in_words(ScriptLoad(None, None, None)) == "as scripted: no fixed length"

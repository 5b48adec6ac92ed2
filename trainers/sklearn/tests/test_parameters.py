from __future__ import annotations

from typing import Any

import pytest
from switchyard_kit import TrainerFailure, choice, number, whole
from switchyard_kit.parameters import resolve

DECLARED = {
    "model": choice("logistic", "mlp"),
    "hidden": whole(64, at_least=1),
    "c": number(1.0, above=0),
    "sublinear": True,
    "note": "",
    "rate": 0.5,
}


def test_defaults_stand_where_nothing_is_given() -> None:
    assert vars(resolve(DECLARED, {}, "tickets")) == {
        "model": "logistic",
        "hidden": 64,
        "c": 1.0,
        "sublinear": True,
        "note": "",
        "rate": 0.5,
    }


def test_a_whole_number_is_a_number_and_3_point_0_is_whole() -> None:
    values = resolve(DECLARED, {"c": 2, "hidden": 3.0}, "tickets")
    assert (values.c, type(values.c)) == (2.0, float)
    assert (values.hidden, type(values.hidden)) == (3, int)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"hiden": 3}, 'The model tickets has no parameter "hiden"; did you mean "hidden"?'),
        ({"zzz": 3}, 'no parameter "zzz"; it takes model, hidden, c, sublinear, note, rate.'),
        ({"model": "mpl"}, '"logistic", "mlp"; got \'mpl\' (did you mean "mlp"?).'),
        ({"hidden": 0}, "a whole number of at least 1; got '0'."),
        ({"hidden": 1.5}, "a whole number of at least 1; got '1.5'."),
        ({"hidden": True}, "a whole number of at least 1; got 'True'."),
        ({"hidden": "64"}, "a whole number of at least 1; got '64'."),
        ({"c": 0}, "a number above 0; got '0.0'."),
        ({"c": float("nan")}, "a number above 0; got 'nan'."),
        ({"sublinear": 1}, "true or false; got '1'."),
        ({"note": None}, "a string; got 'None'."),
        ({"rate": [1]}, "a number; got '[1]'."),
    ],
)
def test_what_is_wrong_is_refused_in_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrainerFailure) as caught:
        resolve(DECLARED, given, "tickets")
    assert caught.value.type == "InvalidParameter"
    assert sentence in caught.value.message

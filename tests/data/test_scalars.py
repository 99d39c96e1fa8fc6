from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from grucast.data.scalars import brief, listed, to_float


@pytest.mark.parametrize("value", [1, 1.0, True, np.float32(1), np.array(1), Decimal(1), Fraction(1)])
def test_numbers_of_every_library_are_floats(value):
    assert to_float(value) == 1.0


@pytest.mark.parametrize("value", [10**400, -(10**400), Fraction(10**400)])
def test_numbers_too_large_for_a_float_are_infinite(value):
    assert np.isinf(to_float(value))


@pytest.mark.parametrize(
    "value", ["1", b"1", None, [1.0], np.ones(1), 1j, np.complex64(1), Decimal("sNaN"), {}], ids=str
)
def test_what_is_no_number_is_none(value):
    assert to_float(value) is None


def nested(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


class Unwritable:
    def __repr__(self):
        raise ValueError


@pytest.mark.parametrize(
    "value",
    [
        nested(10**5),
        "x" * 10**7,
        10**10000,
        [10**10000],
        {"a" * 10**6: 1},
        np.zeros((100, 100)),
        Unwritable(),
        b"x" * 10**6,
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_is_long_in_a_message(value):
    assert 0 < len(brief(value)) <= 80


def test_small_values_are_written_as_python_writes_them():
    for value in (1, "a", None, 1.5, [1, 2], {"a": 1}, b"1", (1, (2, 3)), True):
        assert brief(value) == repr(value)


def test_few_names_are_all_listed():
    assert listed({"a": 1, "b" * 100: 2, 3: 4}) == f"a, {'b' * 80}, 3"

import time

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.reading.numbers import weigh
from grucast.data.reading.origin import Origin
from grucast.data.reading.values import Marks, to_target
from grucast.errors import DataError

HERE = Origin(("f.csv",))


def target(cells, decimal=".", missing=()):
    column = nw.from_native(pl.Series("x", cells), series_only=True)
    return to_target(column, "x", HERE, Marks(decimal, ",", {}), frozenset(missing)).to_list()


@given(values=st.lists(st.floats(-1e99, 1e99), min_size=1))
def test_numbers_that_programs_write_come_back_to_the_bit(values):
    assert target([repr(value) for value in values]) == values


def test_numbers_of_people_and_of_programs_may_stand_together():
    assert target(["1.5", "$2", "(3)", "NA", None, "4%"]) == [1.5, 2, -3, None, None, 4]


@pytest.mark.parametrize("word", ["closed", "1.2.3", "inf"])
def test_a_cell_that_is_no_finite_number_is_named(word):
    with pytest.raises(DataError, match=r"row 3 of f\.csv has x = "):
        target(["1", "2", word])


def test_cells_against_the_decimal_mark_that_was_given_are_named():
    with pytest.raises(DataError, match=r"row 1 of f\.csv has x = '1,5', but its decimal mark is '.'"):
        target(["1,5"])


def test_the_user_names_what_is_missing():
    assert target(["1", "closed"], missing=["closed"]) == [1, None]


def test_ten_thousand_columns_decide_their_marks_in_a_moment():
    marks = Marks(None, ",", {str(number): weigh(["7"]) for number in range(10_000)})
    begin = time.process_time()
    assert {marks.decide(name, (), HERE) for name in marks.evidence} == {"."}
    assert time.process_time() - begin < 2


def test_another_column_decides_the_mark():
    marks = Marks(None, ";", {"a": weigh(["1.738"]), "b": weigh(["45,06"])})
    assert marks.decide("a", (), HERE) == ","
    with pytest.raises(DataError, match="decimal"):
        Marks(None, ";", {"a": weigh(["1.738"])}).decide("a", (), HERE)

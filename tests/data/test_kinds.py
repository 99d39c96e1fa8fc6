"""Columns besides y as numbers or as text."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grucast.data.covariates import Column
from grucast.data.kinds import read_covariate, to_covariate
from grucast.errors import DataError

PRICE = Column("x", "future")
SIZE = Column("x", "future", categories=("1", "2", "3.0", "007", "true"))


def column_of(values, known=None):
    frame = values if isinstance(values, pl.DataFrame | pd.DataFrame) else pd.DataFrame({"x": values})
    return read_covariate(nw.from_native(frame, eager_only=True), "x", known)


def words(covariate):
    return [None if np.isnan(code) else covariate.categories[int(code)] for code in covariate.values]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pl.Series([1, None, 3]), [1, np.nan, 3]),
        (pl.Series([True, False, None]), [1, 0, np.nan]),
        (pl.Series([None, None, None]), [np.nan] * 3),
        (pd.Series([1.5, np.nan, 2.0]), [1.5, np.nan, 2]),
        (pd.Series([1, None, 2], dtype="Int64"), [1, np.nan, 2]),
    ],
)
def test_numbers_are_kept_with_nan_where_missing(column, wanted):
    kind = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    got = read_covariate(nw.from_native(kind({"x": column})), "x")
    np.testing.assert_array_equal(got.values, wanted)
    assert got.categories is None


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["b", "a", None, "b"]),
        pl.Series(["b", "a", None, "b"], dtype=pl.Categorical),
        pl.Series(["b", "a", None, "b"], dtype=pl.Enum(["a", "b"])),
        pd.Series(["b", "a", None, "b"]),
        pd.Series(["b", "a", np.nan, "b"], dtype=object),
        pd.Series(["b", "a", None, "b"], dtype="category"),
    ],
)
def test_text_becomes_codes_with_nan_where_missing(column):
    kind = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    got = read_covariate(nw.from_native(kind({"x": column})), "x")
    np.testing.assert_array_equal(got.values, [0, 1, np.nan, 0])
    assert got.categories == ("b", "a")


def test_objects_are_categories_by_their_text():
    frame = pd.DataFrame({"x": [UUID(int=1), UUID(int=2)]})
    assert read_covariate(nw.from_native(frame), "x").categories == (str(UUID(int=1)), str(UUID(int=2)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, float("inf")], "row 2 has x = inf"),
        ([1.0, -1e31], "row 2 has x = -1e\\+31"),
        ([date(2024, 1, 1), None], "holds Date"),
        ([[1], [2]], "holds List"),
    ],
)
def test_column_that_cannot_be_used_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        read_covariate(nw.from_native(pl.DataFrame({"x": values})), "x")


def test_absent_column_is_named_with_those_there_are():
    with pytest.raises(DataError, match="no column 'temp', named as covariate or weight: there are x"):
        read_covariate(nw.from_native(pl.DataFrame({"x": [1]})), "temp")


@pytest.mark.parametrize(
    "values",
    [
        [Decimal("10.00"), Decimal("9.5"), None],
        np.array([10.0, 9.5, None], object),
        np.array([np.float32(10), Decimal("9.5"), np.nan], object),
        pl.DataFrame({"x": [Decimal("10.00"), Decimal("9.50"), None]}),
    ],
)
def test_decimals_and_objects_that_are_numbers_are_numbers(values):
    got = column_of(values)
    np.testing.assert_array_equal(got.values, [10, 9.5, np.nan])
    assert got.categories is None


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["6.0", "19", None], [6, 19, np.nan]),
        (["6,5", " 1.234,5 ", ""], [6.5, 1234.5, np.nan]),
        ([Decimal("6.0"), Decimal("19"), Decimal("NaN")], [6, 19, np.nan]),
        (pd.Categorical(["19", "6", "19"]), [19, 6, 19]),
        (pd.Categorical([19, 6, 19]), [19, 6, 19]),
        ([True, False, True], [1, 0, 1]),
        (["True", "false", "1e3"], [1, 0, 1000]),
        (np.array([6, "19", None], object), [6, 19, np.nan]),
        (pl.DataFrame({"x": ["6.0", "19", "NA"]}), [6, 19, np.nan]),
        (pl.DataFrame({"x": pa.table({"x": [6, 19]})["x"].to_pylist()}), [6, 19]),
    ],
)
def test_where_training_had_numbers_text_is_parsed(values, wanted):
    got = column_of(values, PRICE)
    np.testing.assert_array_equal(got.values, wanted)
    assert got.categories is None


@pytest.mark.parametrize("values", [["6.0", "cheap"], ["6 000 apples"], ["1_000"], ["0x10"]])
def test_text_that_is_no_number_is_refused_by_name(values):
    with pytest.raises(DataError, match=r"'x' held numbers, or nothing, in training, and now holds .*: give numbers"):
        column_of(values, PRICE)


def test_number_that_may_be_two_is_refused():
    with pytest.raises(DataError, match="covariate 'x' has numbers such as '6,500': a decimal comma, or"):
        column_of(["6,500", "7,125"], PRICE)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1, 2, 3], ["1", "2", "3.0"]),
        ([1.0, np.nan, 3.0], ["1", None, "3.0"]),
        ([Decimal("1.10"), Decimal("2"), None], ["1.10", "2", None]),
        ([True, False], ["true", "False"]),
        (pd.Categorical([2, 1]), ["2", "1"]),
        (np.array([7, "007", 2.0], object), ["7", "007", "2"]),
        (pl.DataFrame({"x": [1, None]}), ["1", None]),
        (pl.DataFrame({"x": [None, None]}), [None, None]),
    ],
)
def test_where_training_had_text_numbers_become_text(values, wanted):
    assert words(column_of(values, SIZE)) == wanted


def test_text_column_without_values_is_text():
    assert column_of(pl.DataFrame({"x": [None]}, {"x": pl.String})).categories == ()


@pytest.mark.parametrize("known", [None, PRICE, SIZE], ids=["unknown", "numbers", "text"])
@pytest.mark.parametrize("odd", [date(2024, 1, 1), datetime(2024, 1, 1), [1], (1,), {}, b"1", 1j], ids=str)
def test_what_is_no_cell_is_refused(odd, known):
    with pytest.raises(DataError, match=r"covariate 'x' holds .*: give numbers, or text for categories"):
        to_covariate("x", ["1", odd], known)


@pytest.mark.parametrize("known", [PRICE, SIZE], ids=["numbers", "text"])
@pytest.mark.parametrize(
    "value", [10**400, 10**5000, Decimal("1e400"), -(10**400), np.inf], ids=lambda v: type(v).__name__
)
def test_endless_number_is_refused(value, known):
    with pytest.raises(DataError, match=r"row 2 has x = -?inf, infinite or beyond 1e\+30"):
        to_covariate("x", [1, value], known)


@pytest.mark.parametrize("nothing", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, Decimal("nan"), Decimal("sNaN")])
def test_each_kind_of_nothing_is_missing(nothing):
    assert np.isnan(to_covariate("x", [nothing], PRICE).values[0])
    assert words(to_covariate("x", [nothing], SIZE)) == [None]

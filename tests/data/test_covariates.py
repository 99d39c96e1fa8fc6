from datetime import date
from uuid import UUID

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import Covariates
from grucast.data.covariates import Covariate, read_covariate, require_static
from grucast.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "wrong",
    [
        {"past": "temp"},
        {"past": (3,)},
        {"future": ("y",)},
        {"static": ("unique_id",)},
        {"past": ("a",), "future": ("a",)},
        {"static": ("a", "a")},
        {"unknown": "ignore"},
    ],
)
def test_declaration_without_meaning_is_refused(wrong):
    with pytest.raises(ConfigError, match="covariates: "):
        Covariates(**wrong)


def test_lists_of_names_become_tuples():
    assert Covariates(past=["b"], future=["a"]).temporal == ("b", "a")


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
    with pytest.raises(DataError, match="no column 'temp' for this covariate: there are x"):
        read_covariate(nw.from_native(pl.DataFrame({"x": [1]})), "temp")


def test_filling_joins_the_categories():
    column = Covariate(np.array([0.0, 1, np.nan, np.nan]), ("a", "b"))
    got = column.filled(np.array([2, 3]), Covariate(np.array([0.0, np.nan]), ("c",)))
    np.testing.assert_array_equal(got.values, [0, 1, 2, np.nan])
    assert got.categories == ("a", "b", "c")


def test_static_column_has_one_value_a_series():
    values = Covariate(np.array([3.0, 3, np.nan, np.nan]))
    firsts, owner = np.array([0, 2]), np.array([0, 0, 1, 1])
    np.testing.assert_array_equal(require_static("size", values, firsts, owner).values, [3, np.nan])
    with pytest.raises(DataError, match="'size' changes within a series"):
        require_static("size", Covariate(np.array([3.0, 3, 1, np.nan])), firsts, owner)

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from grucast.data.rows import Rows
from grucast.data.sources import take
from grucast.data.table import Table

DAYS = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-02-28"]
PLAIN = {"unique_id": ["b", "a", "a", "a"], "ds": DAYS, "y": [1, 2.5, None, -3.0]}


@pytest.mark.parametrize(
    "columns",
    [
        PLAIN,
        PLAIN | {"unique_id": [7, 7, -3, 7]},
        PLAIN | {"unique_id": ["a"] * 4},
        PLAIN | {"ds": [f"{day}T13:30:01.25" for day in DAYS]},
        PLAIN | {"ds": [1, 2, 3, 1]},
        {"y": np.array([1.0, np.nan]), "ds": np.array(["2024-01-01", "2024-01-02"], "M8[us]"), "unique_id": ["a", "a"]},
    ],
)
def test_plain_columns_are_the_rows_that_a_frame_of_them_has(columns):
    typed = dict(columns)
    if isinstance(columns["ds"][0], str):
        typed["ds"] = [datetime.fromisoformat(text) for text in columns["ds"]]
    table = Table.of(take(pl.DataFrame(typed, strict=False)).table)
    found, want = Rows.of_columns(columns), Rows.of_table(table)
    assert list(found.ids) == list(want.ids)
    for one, other in zip(found[1:4], want[1:4], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert found.zone is want.zone is None


@pytest.mark.parametrize(
    "odd",
    [
        {"more": [1, 2, 3, 4]},
        {"y": [1.0, 2.0, 3.0]},
        {"y": [1.0, 2.0, "3", 4.0]},
        {"y": [1.0, True, 3.0, 4.0]},
        {"y": [1.0, [2.0], 3.0, 4.0]},
        {"y": [1.0, np.inf, 3.0, 4.0]},
        {"y": [1, 10**400, 3, 4]},
        {"y": [1.0, -999.0, 2.0, -999.0, 3.0, 4.0], "unique_id": ["a"] * 6, "ds": [1, 2, 3, 4, 5, 6]},
        {"unique_id": ["a", "a", None, "a"]},
        {"unique_id": ["a", 1, 1, 1]},
        {"unique_id": [1, True, 1, 1]},
        {"unique_id": [["a"], "a", "a", "a"]},
        {"unique_id": [2**63, 1, 1, 1]},
        {"ds": [*DAYS[:3], "29.02.2024"]},
        {"ds": [*DAYS[:3], None]},
        {"ds": [*DAYS[:3], 4]},
        {"ds": [2021, 2022, 2023, 2024]},
        {"ds": [1, 2, 3, 2**70]},
        {"ds": np.array(["NaT"] * 4, "M8[us]")},
        {"unique_id": [], "ds": [], "y": []},
    ],
)
def test_what_is_not_plain_is_left_to_reading(odd):
    assert Rows.of_columns(PLAIN | odd) is None


def test_a_missing_column_is_left_to_reading():
    assert Rows.of_columns({"unique_id": ["a"], "y": [1.0]}) is None

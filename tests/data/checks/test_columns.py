from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast.data.checks.columns import describe_columns, numbers
from grucast.data.checks.rows import Ordered

TABLE = {
    "unique_id": ["a", "a", "b", "b"],
    "ds": [2, 1, 1, 2],
    "y": [None, 1.0, 2.0, 3.0],
    "price": [1.5, None, 2.5, 2.5],
    "promo": [True, False, False, False],
    "region": ["x", "x", "y", None],
    "day": [date(2024, 1, 1)] * 4,
    "none": [None, None, None, None],
}


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_columns_are_described(make):
    frame = nw.from_native(make(TABLE), eager_only=True)
    price, promo, region, day, none = describe_columns(frame, Ordered(frame))
    assert (price.kind, price.missing, price.values, price.static) == ("number", 1, 2, True)
    assert (promo.kind, promo.values, promo.static, promo.constant) == ("boolean", 2, False, False)
    assert (region.kind, region.missing, region.values, region.static) == ("text", 1, 2, True)
    assert (day.constant, day.static) == (True, True)
    assert (none.missing, none.values, none.constant) == (4, 0, True)


@pytest.mark.parametrize(("ahead", "wanted"), [([5.0, 1.0], 1.0), ([None, 1.0], 0.0)])
def test_column_with_values_after_the_last_y_is_known_ahead(ahead, wanted):
    frame = pl.DataFrame({"unique_id": "a", "ds": [2, 1], "y": [None, 1.0], "x": ahead})
    frame = nw.from_native(frame, eager_only=True)
    assert describe_columns(frame, Ordered(frame))[0].known_ahead == wanted


def test_numbers_are_in_the_order_of_the_rows():
    frame = nw.from_native(pl.DataFrame(TABLE), eager_only=True)
    rows = Ordered(frame)
    assert {k: v.tolist() for k, v in numbers(frame, describe_columns(frame, rows), rows).items()} == {
        "promo": [0, 1, 0, 0]
    }


def test_numbers_written_as_text_are_numbers_and_other_text_is_not():
    table = {**TABLE, "texts": ["1.5", " 2", "NA", None], "words": ["1.5", "two", "3", "4"]}
    frame = nw.from_native(pl.DataFrame(table), eager_only=True)
    rows = Ordered(frame)
    found = numbers(frame, describe_columns(frame, rows), rows)
    assert list(found) == ["promo", "texts"]
    np.testing.assert_array_equal(found["texts"], [2, 1.5, np.nan, np.nan])

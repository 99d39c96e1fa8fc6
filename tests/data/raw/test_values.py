from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import polars as pl
import pytest

from grucast.data.raw.values import as_series

COLUMNS = [
    ([1, None, 2], pl.Int64, [1, None, 2]),
    ([1, 1.5], pl.Float64, [1.0, 1.5]),
    ([1, "x", 2.0], pl.String, ["1", "x", "2.0"]),
    ([True, 1], pl.String, ["True", "1"]),
    (
        [Decimal("1.10"), Decimal("NaN"), Decimal("2.345")],
        pl.Decimal(38, 3),
        [Decimal("1.100"), None, Decimal("2.345")],
    ),
    ([2**64, 1], pl.String, ["18446744073709551616", "1"]),
    ([None, None], pl.Null, [None, None]),
    ([UUID(int=5)], pl.String, ["00000000-0000-0000-0000-000000000005"]),
    ([date(2024, 1, 2)], pl.Date, [date(2024, 1, 2)]),
    ([b"a"], pl.Binary, [b"a"]),
    (
        [datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 1, 1, tzinfo=UTC)],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=UTC)],
    ),
]


@pytest.mark.parametrize(("values", "kind", "wanted"), COLUMNS)
def test_column_has_the_type_of_its_values(values, kind, wanted):
    series = as_series("x", values)
    assert series.dtype == kind
    assert series.to_list() == wanted

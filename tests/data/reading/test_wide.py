import narwhals as nw
import polars as pl
import pytest

from grucast import read
from grucast.data.reading.looks import look_at
from grucast.data.reading.wide import find_steps, melt_series, melt_steps
from grucast.errors import DataError


def table(**columns):
    frame = nw.from_native(pl.DataFrame(columns), eager_only=True)
    return frame, {name: look_at(frame[name]) for name in frame.columns}


@pytest.mark.parametrize(
    "names",
    [
        ["1/22/20", "1/23/20", "1/24/20"],
        ["1990", "1991", "1992"],
        ["2014Q1", "2014Q2", "2014Q3"],
        ["Jan 2020", "Feb 2020", "Mar 2020"],
    ],
)
def test_names_of_columns_that_are_time_stamps_are_steps(names):
    looks = table(part=["a", "b"], **{name: [1, 2] for name in names})[1]
    assert find_steps(looks) == tuple(names)


@pytest.mark.parametrize("names", [["price", "sold", "rest"], ["1", "2", "3"], ["1990", "1991"]])
def test_other_names_are_none(names):
    assert find_steps(table(part=["a"], **{name: [1] for name in names})[1]) == ()


def test_polars_unpivots_the_same():
    frame, looks = table(shelf=[1, 1], part=["a", "b"], **{"1990": [1, 2], "1991": [3, 4], "1992": [5, 6]})
    long, ids = melt_steps(frame, looks, ("1990", "1991", "1992"), (), "f")
    wanted = frame.to_native().unpivot(
        ["1990", "1991", "1992"], index=["shelf", "part"], variable_name="time", value_name="value"
    )
    assert long.to_native().equals(wanted)
    assert ids == ("part",)


def test_rows_that_nothing_tells_apart_are_refused():
    frame, looks = table(part=["a", "a"], **{"1990": [1, 2], "1991": [3, 4], "1992": [5, 6]})
    with pytest.raises(DataError, match="nothing tells its rows apart"):
        melt_steps(frame, looks, ("1990", "1991", "1992"), (), "f")


def test_a_wide_table_without_numbers_is_refused():
    frame, looks = table(day=["2024-01-01"], name=["a"])
    with pytest.raises(DataError, match="no columns of numbers"):
        melt_series(frame, looks, ("day",), "f")


def test_months_as_names_of_columns_beside_years_are_a_long_series():
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - as people write them
    frame = pl.DataFrame({"Year": [2020, 2021]} | {month: [k, k + 12] for k, month in enumerate(months)})
    got = read(frame).sort("ds")
    assert got["y"].to_list() == list(range(24))
    assert (got["ds"][0].isoformat(), got["ds"][-1].isoformat()) == ("2020-01-01", "2021-12-01")


def test_a_part_of_a_name_may_be_missing():
    frame = pl.DataFrame({"province": [None, "Hubei", "Hebei"], "country": ["Peru", "China", "China"]})
    got = read(frame.with_columns(**{f"1/{day}/20": pl.lit(float(day)) for day in range(20, 30)}))
    assert sorted(got["unique_id"].unique()) == ["Hebei/China", "Hubei/China", "Peru"]

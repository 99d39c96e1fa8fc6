import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grucast import GRUForecaster, TrainingConfig, check, read
from grucast.data.reading.frames import to_frame
from grucast.errors import DataError

INDEX = pd.date_range("2024-01-01", periods=30, name="day")
Y = [float(k % 7) for k in range(30)]
RANGE = "range(30) t(i)"
PANDAS = pd.DataFrame({"day": INDEX, "sold": Y})

TABLES = {
    "frame": lambda: PANDAS,
    "index": lambda: pd.DataFrame({"sold": Y}, index=INDEX),
    "unnamed index": lambda: pd.DataFrame({"sold": Y}, index=INDEX.rename(None)),
    "periods": lambda: pd.DataFrame({"sold": Y}, index=INDEX.to_period("D")),
    "series": lambda: pd.Series(Y, index=INDEX, name="sold"),
    "series of periods": lambda: pd.Series(Y, index=INDEX.to_period("D")),
    "lazy": lambda: pl.LazyFrame({"day": list(INDEX), "sold": Y}),
    "arrow": lambda: pa.table({"day": list(INDEX), "sold": Y}),
    "dictionary": lambda: {"day": list(INDEX), "sold": Y},
    "DuckDB": lambda: duckdb.sql(f"SELECT DATE '2024-01-01' + i::INT AS day, (i % 7)::DOUBLE AS sold FROM {RANGE}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_all_kinds_are_taken_everywhere(kind):
    got = read(TABLES[kind]())
    assert list(got["y"]) == Y
    assert [str(stamp)[:10] for stamp in got["ds"]] == [str(stamp)[:10] for stamp in INDEX]
    assert check(TABLES[kind]()).usable
    quick = TrainingConfig(max_steps=1)
    assert len(GRUForecaster(2, input_size=7, training=quick).fit(TABLES[kind]()).predict(TABLES[kind]())) == 2


def test_a_multiindex_names_series_and_time():
    index = pd.MultiIndex.from_product([["a", "b"], INDEX])
    got = read(pd.DataFrame({"y": Y * 2}, index=index))
    assert got["unique_id"].unique().tolist() == ["a", "b"]


@pytest.mark.parametrize("index", [range(5, 35), [f"r{k}" for k in range(30)]])
def test_an_index_that_is_no_time_does_not_matter(index):
    assert read(PANDAS.set_axis(index))["y"].tolist() == Y


@pytest.mark.parametrize("source", [None, 7, [1, 2], object()])
def test_what_is_no_table_is_refused_by_its_kind(source):
    with pytest.raises(DataError, match=type(source).__name__):
        read(source)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ([0, 1, 2], ["0", "1", "2"]),
        (["day", None, 7], ["day", "column_2", "7"]),
        (["day", float("nan"), ""], ["day", "column_2", "column_3"]),
        (pd.MultiIndex.from_tuples([("day", ""), ("sold", "mean"), ("sold", 2)]), ["day", "sold/mean", "sold/2"]),
    ],
)
def test_columns_of_any_name_are_named_by_text(columns, names):
    odd = PANDAS.assign(price=1.0).set_axis(columns, axis=1)
    assert to_frame(odd).columns == names
    read_so = {"time_col": names[0], "target_col": names[1]}
    assert list(read(odd, **read_so)["y"]) == Y
    assert check(odd, **read_so).usable


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "string", "bool[pyarrow]"])
def test_columns_of_pandas_that_end_in_na_are_no_trouble(dtype):
    frame = PANDAS.assign(open=pd.array([True, None] * 15, dtype="boolean").astype(dtype))
    assert list(read(frame, target_col="sold")["y"]) == Y


def test_names_that_are_the_same_as_text_are_refused():
    with pytest.raises(DataError, match="two columns of one name"):
        read(PANDAS.set_axis([1, "1"], axis=1))


@pytest.mark.parametrize("wrapped", [nw.from_native(PANDAS), nw.from_native(pl.LazyFrame(PANDAS))])
def test_frames_of_narwhals_are_taken(wrapped):
    assert list(read(wrapped)["y"]) == Y
    assert list(read(wrapped.rename({"day": "ds", "sold": "y"}).with_columns(unique_id=nw.lit("a")))["y"]) == Y


def test_odd_names_beside_the_usual_ones_disturb_nothing():
    frame = pd.DataFrame({"unique_id": "a", "ds": INDEX, "y": Y, 5: 1.0, ("a", "b"): 2.0})
    assert list(read(frame).columns) == ["unique_id", "ds", "y", "5", "a/b"]

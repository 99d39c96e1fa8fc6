import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from grucast.data.checks.rows import Ordered, take_usable
from grucast.data.reading.options import ReadOptions
from grucast.errors import DataError


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_bad_rows_are_listed_and_left_out(make):
    frame = make(
        {
            "id": ["a", "a", None, "a", "a", "a"],
            "ds": ["2024-01-01", "yesterday", "2024-01-03", "2024-01-04", "2024-01-05", None],
            "y": ["1", "2", "3", "many", "NA", "inf"],
        }
    )
    intake, reasons = take_usable(frame, ReadOptions())
    native = intake.table.frame.to_native()
    assert isinstance(native, make)
    assert len(native) == 2
    assert reasons == [
        "no id (row 3)",
        "no ds (row 6)",
        "a ds that is not a time stamp (row 2)",
        "a y that is not a number (row 4)",
        "a y that is infinite or beyond 1e+100 (row 6)",
    ]


def test_rows_are_counted_in_files(tmp_path):
    (tmp_path / "data.csv").write_text("ds,y\n1,1\n2,inf\n3,-inf\n4,5\n")
    intake, reasons = take_usable(tmp_path / "data.csv", ReadOptions())
    assert len(intake.table.frame) == 2
    assert reasons == ["a y that is infinite or beyond 1e+100 (2 rows, the first is 2)"]


@pytest.mark.parametrize("frame", [{"ds": [1, 2]}, {"ds": [], "y": []}, {"ds": [1], "y": ["many"]}])
def test_nothing_to_look_at_is_an_error(frame):
    with pytest.raises(DataError):
        take_usable(pl.DataFrame(frame), ReadOptions())


def test_rows_are_sorted_and_counted():
    frame = pl.DataFrame({"unique_id": ["b", "a", "b", "a", "b"], "ds": [2, 1, 1, 1, 3], "y": [1.0, 2, 3, 4, 5]})
    rows = Ordered(nw.from_native(frame, eager_only=True))
    assert rows.ids == ["b", "a"]
    assert rows.y.tolist() == [3, 1, 5, 2]
    assert (rows.unsorted, rows.duplicates, rows.example) == (1, 1, "series 'a' at 1")

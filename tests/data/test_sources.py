from datetime import datetime

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xlsxwriter

from grucast import read
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import take, take_again
from grucast.errors import DataError, DataWarning, GrucastError


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_file_gives_the_frame_that_was_written(tmp_path, suffix):
    frame = pl.DataFrame(
        {"unique_id": ["a", "a"], "ds": [datetime(2024, 1, 1), datetime(2024, 1, 2, 3)], "y": [1.0, 2.5]}
    )
    path = tmp_path / f"data.{suffix}"
    if suffix == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if suffix == "tsv" else ",")
    assert read(path).equals(frame)


@pytest.mark.parametrize(
    "names", [("item_id", "timestamp", "target"), ("series_id", "Date", "Value"), ("id", "time", "y")]
)
def test_usual_names_are_found_ignoring_case(names):
    frame = pl.DataFrame({names[2]: [1.0], "extra": [7], names[1]: [5], names[0]: ["a"]})
    assert read(frame).columns == ["unique_id", "ds", "y", "extra"]


def test_spaces_round_a_column_name_do_not_matter():
    assert read(pl.DataFrame({"ds": [1], " y": [2.0]})).columns == ["unique_id", "ds", "y"]


def test_named_columns_win_over_usual_names():
    frame = pl.DataFrame({"shop": ["a"], "id": [1], "week": [3], "sold": [2]})
    got = read(frame, id_col="shop", time_col="week", target_col="sold")
    assert got.columns == ["unique_id", "ds", "y", "id"]
    assert got["unique_id"].to_list() == ["a"]


def test_rows_without_id_are_one_series():
    assert read(pl.DataFrame({"ds": [1, 2], "y": [1, 2]}))["unique_id"].unique().to_list() == ["series"]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_frame_comes_back_in_its_own_library(library):
    got = read(library({"ds": [1, 2], "y": [1, 2]}))
    assert isinstance(got, library)
    assert nw.from_native(got).schema["y"] == nw.Float64


@pytest.mark.parametrize("word", ["", "NA", "nan", "null", "None"])
def test_words_for_missing_become_missing(tmp_path, word):
    path = tmp_path / "data.csv"
    path.write_text(f"ds,y\n1,1.5\n2,{word}\n3,2\n")
    y = read(path)["y"].to_numpy()
    assert np.isnan(y[1])
    assert y[[0, 2]].tolist() == [1.5, 2.0]


BAD_FILES = {
    "empty file": ("", "empty"),
    "header only": ("ds,y\n", "no rows"),
    "no target": ("ds,kind\n1,a\n", "no column is left that holds numbers, of ds, kind.*target_col"),
    "no time": ("when,y\nnoon,2\n", "no column holds time stamps.*time_col"),
    "text in y": ("ds,y\n1,2\n2,x7\n", "row 2 .* 'x7'"),
    "text far down in y": ("ds,y\n" + "".join(f"{i},1\n" for i in range(500)) + "500,oops\n", "row 501 .* 'oops'"),
    "infinite y": ("ds,y\n1,2\n2,inf\n", "row 2 .* infinite"),
    "y that would overflow": ("ds,y\n1,2\n2,-1e308\n", "row 2 .* beyond 1e\\+100"),
    "day before month": ("ds,y\n03/01/2024,2\n", "day/month/year .* or month/day/year"),
    "missing time": ("ds,y\n1,2\n,3\n", "row 2 .* no ds"),
    "missing id": ("unique_id,ds,y\na,1,2\n,2,3\n", "row 2 .* no unique_id"),
    "fractional time": ("ds,y\n1.5,2\n", "row 1 .* ds = '1.5', which is not a time stamp"),
    "more fields than columns": ("ds,y\n1,2\n1,2,3\n", "more fields than columns"),
    "mixed time zones": ("ds,y\n2024-01-01T00:00Z,2\n2024-01-02T00:00,2\n", "time zone"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_place(tmp_path, case):
    text, wanted = BAD_FILES[case]
    path = tmp_path / "sales.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=wanted) as caught:
        read(path)
    assert "sales.csv" in str(caught.value)


def test_binary_file_is_refused(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match=r"data\.csv"):
        read(path)


@pytest.mark.parametrize(("name", "wanted"), [("absent.csv", "does not exist"), ("data.pkl", "empty")])
def test_absent_and_unknown_files_are_refused(tmp_path, name, wanted):
    (tmp_path / "data.pkl").touch()
    with pytest.raises(DataError, match=wanted):
        read(tmp_path / name)


@pytest.mark.parametrize("source", [None, 7, [1, 2], np.ones(3)])
def test_what_is_no_frame_is_refused(source):
    with pytest.raises(DataError, match="path or a pandas or polars"):
        read(source)


def test_named_column_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="no column 'shop'"):
        read(pl.DataFrame({"ds": [1], "y": [1]}), id_col="shop")


def test_second_column_of_a_standard_name_is_left_out_with_a_warning():
    with pytest.warns(DataWarning, match="column y is left out, since y is another one now; rename it"):
        found = read(pl.DataFrame({"ds": [1], "y": [1], "sold": [2]}), target_col="sold")
    assert found.to_dict(as_series=False) == {"unique_id": ["series"], "ds": [1], "y": [2.0]}


def test_one_column_for_two_purposes_is_refused():
    with pytest.raises(DataError, match="at once"):
        read(pl.DataFrame({"ds": [1], "y": [1]}), id_col="ds", time_col="ds")


def test_text_in_a_pandas_target_is_refused():
    with pytest.raises(GrucastError, match="row 2 of the frame"):
        read(pd.DataFrame({"ds": [1, 2], "y": ["3", "x"]}))


def test_what_read_gives_can_be_changed_without_changing_what_it_was_given():
    given = pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [1.0, 2.0]})
    got = read(given)
    got["y"] = 0.0
    assert given["y"].tolist() == [1, 2]


def workbook(path, **sheets):
    with xlsxwriter.Workbook(path) as book:
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


SERIES = [("Monat", "Wert"), *((f"2024-{month:02}", month * 1.5) for month in range(1, 13))]
NOTES = [("who", "what"), *(("me", "a note") for _ in range(12))]


def test_the_one_sheet_with_a_series_is_taken_and_said(tmp_path):
    workbook(tmp_path / "book.xlsx", Hinweise=NOTES, Werte=SERIES)
    intake = take(tmp_path / "book.xlsx")
    assert intake.table.y.sum() == 1.5 * 78
    assert any(note.startswith("sheet: ") and "Werte" in note for note in intake.notes)


def test_sheets_that_each_hold_a_series_are_named(tmp_path):
    several = [(*row, row[1]) for row in SERIES]
    several[0] = ("Monat", "a", "b")  # a target would have to be named, yet it is a series
    workbook(tmp_path / "book.xlsx", Nord=SERIES, Süd=several, Hinweise=NOTES)
    with pytest.raises(DataError, match=r"2 sheets that hold series, .*Nord.*Süd.*sheet="):
        read(tmp_path / "book.xlsx")
    assert read(tmp_path / "book.xlsx", sheet="Nord")["y"].len() == 12


def test_what_a_model_learned_of_a_workbook_does_not_hinder_it_elsewhere(tmp_path):
    workbook(tmp_path / "book.xlsx", Nord=SERIES, Süd=SERIES)
    learned = take(tmp_path / "book.xlsx", ReadOptions.of(sheet="Süd")).options
    assert take_again(tmp_path / "book.xlsx", learned).table.y.sum() == 1.5 * 78
    (tmp_path / "plain.csv").write_text("\n".join(f"{a},{b}" for a, b in SERIES))
    assert take_again(tmp_path / "plain.csv", learned).table.y.sum() == 1.5 * 78

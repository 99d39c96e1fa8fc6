"""Files of the kinds that people have: which column is what, and what is refused."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from grucast import read
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import take, take_again
from grucast.errors import DataError, DataWarning

DAYS = [date(2021, 5, 24) + timedelta(days=k) for k in range(28)]
HOURS = [datetime(2021, 5, 24) + timedelta(hours=k) for k in range(60)]


def csv(tmp_path, header, rows, separator=",", name="data.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_the_one_column_of_dates_and_the_one_of_numbers_are_found_and_said(tmp_path):
    intake = take(
        csv(tmp_path, "sky;Tag;Umsatz (EUR)", [("blau", f"{d:%d.%m.%Y}", f"{k},5") for k, d in enumerate(DAYS)], ";")
    )
    assert intake.table.ds.to_list() == DAYS
    assert intake.table.y.to_list() == [k + 0.5 for k in range(28)]
    assert intake.notes == (
        "time: Tag (read as day first as 24.05.2021 shows)",
        "series: one",
        "target: Umsatz (EUR) (decimal comma)",
    )


@pytest.mark.parametrize("given", ["Umsatz (EUR)", "umsatz (eur)", " Umsatz", "UMSATZ [€]", "#umsatz"])
def test_case_blanks_marks_and_units_of_a_name_do_not_matter(tmp_path, given):
    path = csv(tmp_path, " Umsatz (EUR),day,staff", [(k, d, 3) for k, d in enumerate(DAYS)])
    assert read(path, target_col=given)["y"].sum() == sum(range(28))


def test_several_columns_of_numbers_are_named_with_all_that_must_be_said(tmp_path):
    path = csv(tmp_path, "opened,closed,staff,turnover", [(d, d, k % 3, k * 7) for k, d in enumerate(DAYS)])
    with pytest.raises(
        DataError, match=r"opened, closed.*time_col.*; 2 columns hold numbers, staff, turnover.*target_col.*wide"
    ):
        read(path)


@pytest.mark.parametrize("name", ["id", "No.", "row", ""])
def test_a_running_number_is_neither_series_nor_target(tmp_path, name):
    intake = take(csv(tmp_path, f"{name},date,sold", [(k + 1, d, k * 3 % 7) for k, d in enumerate(DAYS)]))
    assert intake.table.ids.n_unique() == 1
    assert intake.target == "sold"


def test_a_column_that_tells_rows_of_one_time_apart_names_the_series(tmp_path):
    rows = [(k * n, d, shop) for k, d in enumerate(DAYS) for n, shop in enumerate(("quay", "airport"), 1)]
    intake = take(csv(tmp_path, "units,sold_on,shop", rows))
    assert sorted(intake.table.ids.unique().to_list()) == ["airport", "quay"]
    assert "series: shop (2)" in intake.notes


def test_two_columns_may_name_the_series_together(tmp_path):
    rows = [(a, b, d, k) for k, d in enumerate(DAYS) for a in ("x", "y") for b in ("1", "2", "3")]
    frame = read(csv(tmp_path, "region,size,day,units", rows))
    assert sorted(frame["unique_id"].unique()) == ["x/1", "x/2", "x/3", "y/1", "y/2", "y/3"]
    assert read(csv(tmp_path, "region,size,day,units", rows), id_col=["region", "size"]).equals(frame)


def test_receipts_are_no_panel(tmp_path):
    rows = [(d, customer, k) for k, d in enumerate(DAYS) for customer in (f"c{k % 9}", f"c{k % 5}", f"c{k % 9}")]
    with pytest.raises(DataError, match=r"id_col.*none that is here does.*aggregate"):
        read(csv(tmp_path, "day,customer,paid", rows))


@pytest.mark.parametrize("column", ["month", "hour", "Weekday_week"])
def test_a_part_of_the_time_is_no_series(tmp_path, column):
    path = csv(tmp_path, f"year,{column},births", [(2009 + k // 12, k % 12 + 1, k) for k in range(36)])
    with pytest.raises(DataError, match=rf"column {column} .* names no series.*time_col"):
        read(path, id_col=column, time_col="year")


MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
PARTS = {
    "month and year": ("calendar_month,calendar_year,births", lambda k: (k % 12 + 1, 2009 + k // 12), "1mo"),
    "names of months": ("Jahr,Monat,births", lambda k: (2009 + k // 12, MONTHS[k % 12]), "1mo"),
    "quarters": ("year,quarter,births", lambda k: (2009 + k // 4, k % 4 + 1), "3mo"),
    "four columns": ("No,YYYY,MM,DD,HH,births", lambda k: (k + 1, 2021, 5, 24 + k // 24, k % 24), "1h"),
    "day and hour": ("day,hr,births", lambda k: (f"2021-05-{24 + k // 24}", k % 24), "1h"),
    "day and clock": ("Tag,Uhrzeit,births", lambda k: (f"{24 + k // 24}.05.2021", f"{k % 24:02}.00.00"), "1h"),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_of_a_time_in_columns_of_their_own_belong_together(tmp_path, case):
    header, row, step = PARTS[case]
    frame = read(csv(tmp_path, header, [(*row(k), k + 5) for k in range(48)]))
    wanted = pl.select(pl.datetime_range(frame["ds"][0], datetime(2099, 1, 1), step).head(48)).to_series()
    assert frame["ds"].cast(pl.Datetime("us")).to_list() == wanted.cast(pl.Datetime("us")).to_list()
    assert frame["y"].to_list() == list(range(5, 53))


def test_time_col_takes_several_columns(tmp_path):
    path = csv(tmp_path, "d,t,x,y2", [(f"{h:%d.%m.%Y}", f"{h:%H:%M}", 1, k) for k, h in enumerate(HOURS)])
    assert read(path, time_col=["d", "t"], target_col="y2")["ds"].to_list() == HOURS


def test_a_table_without_time_is_refused_but_for_a_single_column(tmp_path):
    with pytest.raises(DataError, match=r"no column holds time stamps or dates.*time_col"):
        read(csv(tmp_path, "customer,town,points", [(4001 + 7 * k, "Leer", k * 31 % 17) for k in range(9)]))
    single = take(csv(tmp_path, "strength", [(k,) for k in range(9)]))
    assert single.table.ds.to_list() == list(range(9))
    assert single.notes[0] == "time: no column (the rows in their order)"


def test_ids_with_leading_zeros_stay_apart(tmp_path):
    rows = [(artno, d, k) for k, d in enumerate(DAYS) for artno in ("007", "7")]
    assert read(csv(tmp_path, "artno,day,pieces", rows))["unique_id"].unique().sort().to_list() == ["007", "7"]


WRITTEN_APART = [
    ("007", "7"),
    ("1.10", "1.1"),
    ("1", "1.0"),
    ("+7", "7"),
    ("-0", "0"),
    ("1e3", "1000"),
    ("true", "True"),
]


@pytest.mark.parametrize("ids", WRITTEN_APART, ids="|".join)
def test_ids_that_are_written_differently_are_different_series_in_files_of_all_kinds(tmp_path, ids):
    table = pl.DataFrame([{"unique_id": name, "ds": day, "y": k} for k, day in enumerate(DAYS) for name in ids])
    named = table.rename({"unique_id": "shop", "y": "sold"})
    table.write_csv(tmp_path / "commas.csv")
    table.write_csv(tmp_path / "tabs.tsv", separator="\t")
    table.write_json(tmp_path / "rows.json")
    table.write_excel(tmp_path / "book.xlsx")
    named.write_csv(tmp_path / "named.csv")
    for file in ("commas.csv", "tabs.tsv", "rows.json", "book.xlsx"):
        assert sorted(read(tmp_path / file)["unique_id"].unique()) == sorted(ids)
    assert sorted(read(tmp_path / "named.csv", id_col="shop")["unique_id"].unique()) == sorted(ids)


@pytest.mark.parametrize("ids", [("10:00", "11:30"), (1.5, 2.5), (date(2024, 1, 1), date(2024, 1, 2)), (True, False)])
@pytest.mark.parametrize("name", ["unique_id", "item_id", "ID"])
def test_a_column_called_id_names_series_whatever_it_holds(name, ids):
    """Clocks would else be the time of day, and all rows one series."""
    frame = pl.concat(pl.DataFrame({"day": DAYS, "sold": 2.5, name: one}) for one in ids)
    found = read(frame)
    assert found["unique_id"].unique(maintain_order=True).to_list() == list(ids)
    assert found["ds"].to_list() == DAYS * 2


def test_ids_of_integers_are_integers(tmp_path):
    rows = [(shop, d, k) for k, d in enumerate(DAYS) for shop in (3, 11)]
    assert read(csv(tmp_path, "shop,day,pieces", rows), id_col="shop")["unique_id"].dtype == pl.Int64


def test_a_word_among_numbers_is_named_and_can_be_said_to_be_missing(tmp_path):
    path = csv(tmp_path, "day,entries", [(d, "closed" if k == 16 else k) for k, d in enumerate(DAYS)])
    with pytest.raises(DataError, match=r"row 17 .* entries = 'closed', .*missing='closed' \(--missing\)"):
        read(path)
    assert read(path, missing="closed")["y"].null_count() == 1


def test_numbers_with_one_mark_and_three_digits_are_asked_for(tmp_path):
    path = csv(tmp_path, "day;load", [(d, f"1.{100 + k}") for k, d in enumerate(DAYS)], ";")
    with pytest.raises(DataError, match=r"decimal .* thousands"):
        read(path)
    assert read(path, decimal=".")["y"][0] == 1.1
    assert read(path, decimal=",")["y"][0] == 1100


def test_codes_for_missing_are_taken_as_such_with_a_warning_unless_denied(tmp_path):
    path = csv(tmp_path, "day,temp", [(d, -999 if k in (3, 4) else k) for k, d in enumerate(DAYS)])
    with pytest.warns(DataWarning, match=r"temp is -999 .* missing=-999 \(--missing=-999\)"):
        assert read(path)["y"].null_count() == 2
    assert read(path, missing=-999)["y"].null_count() == 2
    assert read(path, missing="")["y"].null_count() == 0


def test_dates_as_names_of_columns_make_a_wide_table(tmp_path):
    header = "Shelf,Part," + ",".join(f"{d:%-m/%-d/%Y}" for d in DAYS)
    frame = read(csv(tmp_path, header, [(10, "bolt", *range(28)), (13, "hinge", *range(28, 56))]))
    assert frame.filter(unique_id="hinge")["y"].to_list() == list(range(28, 56))
    assert frame.filter(unique_id="bolt")["ds"].to_list() == DAYS
    assert frame["Shelf"].n_unique() == 2


def test_years_as_names_of_columns_make_a_wide_table(tmp_path):
    frame = read(csv(tmp_path, "Country,1990,1991,1992,1993", [("Aruba", 1, 2, 3, 4), ("Angola", 5, 6, 7, 8)]))
    assert frame.filter(unique_id="Angola")["y"].to_list() == [5, 6, 7, 8]
    assert frame["ds"].min() == date(1990, 1, 1)


def test_a_column_for_each_series_is_asked_for_and_then_read(tmp_path):
    path = csv(tmp_path, "Nord;Woche;Süd", [(k + 5, f"{d:%d.%m.%Y}", 2 * k) for k, d in enumerate(DAYS)], ";")
    with pytest.raises(DataError, match=r"Nord, Süd.*target_col.*wide"):
        read(path)
    frame = read(path, wide=True)
    assert frame.filter(unique_id="Süd")["y"].to_list() == [2 * k for k in range(28)]
    assert read(path, target_col="Süd")["y"].sum() == 2 * sum(range(28))


def test_the_target_may_not_be_one_of_two_columns_of_a_name(tmp_path):
    path = csv(tmp_path, "day,sold,sold,rest", [(d, k, k + 1, k + 2) for k, d in enumerate(DAYS)])
    with pytest.raises(DataError, match="two columns named 'sold'"):
        read(path, target_col="sold")
    assert read(path, target_col="rest")["y"][0] == 2


def test_files_of_a_glob_are_read_as_one_and_rows_named_in_theirs(tmp_path):
    csv(tmp_path, "day,sold", [(f"{d:%d/%m/%Y}", k) for k, d in enumerate(DAYS[:7])], name="a.csv")
    csv(tmp_path, "day,sold", [(f"{d:%d/%m/%Y}", k) for k, d in enumerate(DAYS[7:])], name="b.csv")
    assert read(str(tmp_path / "*.csv"))["ds"].to_list() == DAYS
    csv(tmp_path, "day,sold", [("soon", 3)], name="b.csv")
    with pytest.raises(DataError, match=r"row 1 of .*b\.csv has day = 'soon'"):
        read(str(tmp_path / "*.csv"))


def test_numbers_of_other_columns_are_numbers(tmp_path):
    rows = [(f"{d:%d.%m.%Y}", k, f"{k},25", "wahr" if k % 2 else "falsch", f"00{k}") for k, d in enumerate(DAYS)]
    frame = read(csv(tmp_path, "day;sold;price;open;code", rows, ";"), target_col="sold")
    assert frame.schema["price"] == pl.Float64
    assert frame["price"][4] == 4.25
    assert frame.schema["code"] == pl.String


def test_what_was_learned_reads_another_file_alike(tmp_path):
    first = take(
        csv(tmp_path, "Tag;a;b", [(f"{d:%d/%m/%Y}", f"1.{100 + k}", 3) for k, d in enumerate(DAYS)], ";"),
        ReadOptions(target_col="a", decimal=","),
    )
    again = csv(tmp_path, "b;Tag;a", [(4, f"{k:02}/06/2021", "1.500") for k in range(1, 9)], ";")
    table = take_again(again, first.options).table
    assert table.y.to_list() == [1500.0] * 8
    assert table.ds.to_list() == [date(2021, 6, k) for k in range(1, 9)]


def test_what_was_learned_gives_way_to_the_standard_columns():
    learned = ReadOptions(id_col="shop", time_col="day", target_col="sold", time_format="day first")
    frame = pl.DataFrame({"unique_id": "a", "ds": ["2021-01-01", "2021-01-02"], "y": [1, 2]})
    assert take_again(frame, learned).table.y.to_list() == [1.0, 2.0]


def test_a_target_of_integers_does_not_name_series(tmp_path):
    rows = [("2019-10-27 01:00", 5), ("2019-10-27 02:00", 6), ("2019-10-27 02:00", 7), ("2019-10-27 03:00", 8)]
    path = csv(tmp_path, "time,load", rows)
    with pytest.raises(DataError, match=r"02:00.*time_zone"):
        read(path)
    assert len(read(path, time_zone="Europe/Berlin")) == 4


def test_numbers_that_run_on_are_the_target_where_nothing_else_varies(tmp_path):
    assert take(csv(tmp_path, "day,sold,price", [(d, k, 9.5) for k, d in enumerate(DAYS)])).target == "sold"


def test_steps_that_are_filled_stand_where_they_belong(tmp_path):
    rows = [(d, shop, k) for k, d in enumerate(DAYS) for shop in ("a", "b") if k not in (3, 9)]
    frame = read(csv(tmp_path, "day,shop,sold", rows), fill=0, freq="D")
    assert frame["unique_id"].to_list() == ["a"] * 28 + ["b"] * 28
    assert frame["ds"].to_list() == DAYS * 2


def test_a_column_of_nothing_but_codes_is_missing(tmp_path):
    rows = [(d, k + 5, -999) for k, d in enumerate(DAYS)]
    frame = read(csv(tmp_path, "day,sold,gone", rows), target_col="sold", missing=-999)
    assert frame["gone"].null_count() == 28

import csv
import gzip
import tracemalloc
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.raw.delimited import read_delimited
from grucast.errors import DataError

DAYS = [("2024-01-01", "5"), ("2024-01-02", "6,5"), ("2024-01-03", "7")]


def read(text, skip_rows=0, encoding="utf-8"):
    return read_delimited(text if isinstance(text, bytes) else text.encode(encoding), "x.csv", skip_rows)


def table(raw):
    return [tuple(raw.frame.columns), *raw.frame.rows()]


def write(rows, separator=";"):
    return "".join(separator.join(row) + "\n" for row in rows)


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_separator_is_found_though_numbers_have_commas(separator):
    raw = read(write([("day", "sold"), *DAYS], separator))
    assert table(raw) == [("day", "sold"), *DAYS]
    assert raw.separator == separator
    assert raw.notes == ()


WAYS = {
    "crlf": "a,b\r\n1,x\r\n2,y\r\n",
    "carriage returns": "a,b\r1,x\r2,y\r",
    "no last line end": "a,b\n1,x\n2,y",
    "blank lines": "\n\na,b\n\n1,x\n \n2,y\n,\n\n",
    "separator stated": "sep=,\na,b\n1,x\n2,y\n",
    "separator stated, quoted": '"sep=,"\r\na,b\r\n1,x\r\n2,y\r\n',
    "mark": "\ufeffa,b\n1,x\n2,y\n",
    "blanks": " a ,\u00a0b\u202f\n 1,\tx \n2\u00a0, y\n",
    "quotes": '"a","b"\n"1","x"\n"2","y"\n',
    "quotes after blanks": '"a", "b"\n1, "x"\n2, "y"\n',
    "empty last column": "a,b,\n1,x,\n2,y,\n",
    "empty last column without header": "a,b\n1,x,\n2,y,\n",
    "empty columns": "a,,b,,\n1,,x,,\n2,,y,,\n",
    "end of DOS": "a,b\n1,x\n2,y\n\x1a",
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write_a_table_gives_the_same_cells(way):
    raw = read(WAYS[way])
    assert table(raw) == [("a", "b"), ("1", "x"), ("2", "y")]
    assert raw.separator == ","
    assert raw.notes == ()


def test_encodings_are_told_apart():
    text = "Größe;Ort\n1;Köln\n2;Würzburg\n"
    wanted = [("Größe", "Ort"), ("1", "Köln"), ("2", "Würzburg")]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        raw = read(text, encoding=encoding)
        assert table(raw) == wanted
        assert raw.notes == ()
    raw = read(text, encoding="cp1252")
    assert table(raw) == wanted
    assert raw.notes == ("read as Windows-1252 text",)


HEADERS = {  # the lines above the data: the names, and how many lines stand above them
    "day,sold\n": (["day", "sold"], 0),
    "Sales of 2024\nday,sold\n": (["day", "sold"], 1),
    "Category: all\n\nday,sold\n": (["day", "sold"], 2),
    "Station 118, Mole\nLatitude 53.9, Longitude 9.1\n2010, changed\nday,sold\n": (["day", "sold"], 3),
    "Sales,\n,\nday,sold\n": (["day", "sold"], 2),
    "# made by hand, of late\n#\n# day,sold\n": (["# day", "sold"], 2),
    'a, b, c, and d\n"day","sold, in thousands"\n': (["day", "sold, in thousands"], 1),
}


@pytest.mark.parametrize("above", HEADERS)
def test_header_is_found_below_other_lines(above):
    names, lines = HEADERS[above]
    raw = read(above + "2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n")
    assert table(raw) == [tuple(names), ("2024-01-01", "5"), ("2024-01-02", "6"), ("2024-01-03", "7")]
    assert raw.notes == ((f"{lines} line{'s' * (lines > 1)} above the header skipped",) if lines else ())


@pytest.mark.parametrize(
    "header",
    [
        "Shelf,Part,2/1/2016,2/8/2016",
        "Country,Code,1990,1991",
        "Item,Kind,202312,202401",
        "Item,Kind,Jan-20,Feb-20",
        "Item,Kind,20240131,20240201",
        "Report,,,\nCountry,Code,1990,1991",
    ],
)
def test_times_above_numbers_are_names(header):
    raw = read(f"{header}\n10,bolt,388,500\n13,nut,264,312\n16,hook,910,1077\n")
    assert raw.frame.columns == header.splitlines()[-1].split(",")
    assert raw.frame.row(0) == ("10", "bolt", "388", "500")
    assert len(raw.frame) == 3


def test_numbers_that_count_below_years_stay_data():
    raw = read("Country,1990,1991\nA,1,2\nB,2,3\n")
    assert table(raw) == [("Country", "1990", "1991"), ("A", "1", "2"), ("B", "2", "3")]


@pytest.mark.parametrize("rows", ["2024-01-01,5\n2024-01-02,6\n", "2024-01-01,closed\n2024-01-02,6\n2024-01-03,7\n"])
def test_no_header_is_told(rows):
    raw = read(rows)
    assert table(raw) == [("column_1", "column_2"), *[tuple(row.split(",")) for row in rows.split()]]
    assert raw.notes == ("no header: columns are called column_1, column_2",)


@pytest.mark.parametrize("cells", [("closed", "x"), ("?", "NA"), ("2024-01-01", "closed"), ("", "5")])
def test_odd_first_row_below_a_header_is_data(cells):
    raw = read(f"day,sold\n{','.join(cells)}\n2024-01-02,6\n2024-01-03,7\n2024-01-04,8\n")
    if cells == ("closed", "x"):  # like names: above the data, and said so
        assert raw.notes == ("1 line above the header skipped",)
    else:
        assert table(raw)[:2] == [("day", "sold"), tuple(cell or None for cell in cells)]
        assert raw.notes == ()


def test_line_of_units_is_told():
    raw = read("day,warm\n,°C\n2024-01-01,5\n2024-01-02,6\n")
    assert table(raw) == [("day", "warm"), ("2024-01-01", "5"), ("2024-01-02", "6")]
    assert raw.notes == ("1 line below the header skipped",)


FOOTERS = {
    "\nSource: the works' own books,\nFigures may be revised,\n": 2,
    "\nSource: Office, 2024, and more, words\n": 1,
    "\n  \nSource\n\nTotal,18\n": 4,
}


@pytest.mark.parametrize("footer", FOOTERS)
def test_lines_of_text_below_an_empty_one_are_no_data(footer):
    raw = read("day,sold\n2024-01-01,5\n2024-01-02,6\n" + footer)
    assert table(raw) == [("day", "sold"), ("2024-01-01", "5"), ("2024-01-02", "6")]
    assert raw.notes[-1].endswith("below the data skipped")


def test_rows_below_an_empty_line_are_data():
    raw = read('day,sold,note\n2024-01-01,5,"a\n\nb"\n\n2024-01-02,closed,\n\n2024-01-03,,\n')
    assert raw.frame["day"].to_list() == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert raw.frame["note"][0] == "a\n\nb"
    assert raw.notes == ()


def test_skipped_lines_are_the_users_word():
    raw = read("1,2\n3,4\n\nx,y\n5,6\n", skip_rows=2)
    assert table(raw) == [("x", "y"), ("5", "6")]
    assert table(read("1,2\n3,4\n5,6\n", skip_rows=1)) == [("3", "4"), ("5", "6")]
    with pytest.raises(DataError, match="empty below its first 9 lines"):
        read("a,b\n1,2\n", skip_rows=9)


def test_twin_names_are_told_apart():
    raw = read("a,a,a_2,\n1,2,3,4\n")
    assert table(raw) == [("a", "a_3", "a_2", "column_4"), ("1", "2", "3", "4")]
    assert raw.notes == ("two columns called 'a': the second is 'a_3'",)
    assert raw.twins == ("a",)


def test_single_column_of_decimal_commas_is_one_column():
    raw = read("strength\n64,3\n65\n66,1\n")
    assert table(raw) == [("strength",), ("64,3",), ("65",), ("66,1",)]
    assert raw.separator is None


def test_short_rows_are_filled():
    assert table(read("a,b,c\n1,2,3\n2\n3,4\n"))[2:] == [("2", None, None), ("3", "4", None)]


@pytest.mark.parametrize("good", [0, 700])
@pytest.mark.parametrize("bad", ["2020-01-01,1,5\n", "2020-01-01,1,\n2020-01-01,1,5\n"])
def test_row_with_more_fields_than_columns_is_named(good, bad):
    rows = good + bad.count("\n")
    with pytest.raises(DataError, match=rf"^row {rows} of x.csv has 3 fields, more .* \(2\): put .* in quotes"):
        read("date,value\n" + "2020-01-01,1\n" * good + bad + "2020-01-02,3\n" * 3)


@pytest.mark.parametrize("header", ["date,value", '"date","value"'])
def test_unquoted_decimal_commas_in_every_row_are_refused(header):
    with pytest.raises(DataError, match=r"row 1 of x\.csv has 3 fields"):
        read(f"{header}\n2020-01-01,1,5\n2020-01-02,2,5\n2020-01-03,3,5\n")


def test_separator_at_the_end_of_some_rows_is_no_field():
    raw = read("date,value\n" + "2020-01-01,1\n" * 700 + "2020-01-02,2,\n")
    assert raw.frame.shape == (701, 2)


@pytest.mark.parametrize("more", ["", '2024-01-03,"a, ""b"""\n'])
def test_mark_of_inches_is_text(more):
    raw = read('day,size\n2024-01-01,5" pipe\n2024-01-02,6"\n' + more)
    assert raw.frame["size"].to_list() == ['5" pipe', '6"', 'a, "b"'][: len(raw.frame)]
    assert len(raw.frame) == 2 + bool(more)


LOOSE = st.sampled_from(["a", '5" x', '6"', '"q, r"', '"q\nr"', '"d""d"', '""', '"', 'x"y"', '"x"y', "1.5", ""])


@given(st.lists(st.tuples(st.dates(), LOOSE, LOOSE), min_size=2, max_size=9))
def test_text_that_is_not_quoted_well_is_read_as_the_standard_library_does_or_refused(rows):
    text = "day,a,b\n" + "".join(f"{day},{a},{b}\n" for day, a, b in rows)
    try:
        got = read(text).frame.rows()
    except DataError:
        return
    wanted = [(row + [""] * 3)[:3] for row in csv.reader(StringIO(text)) if row][1:]
    assert got == [tuple(cell.strip() or None for cell in row) for row in wanted]


BAD = {
    "empty": ("", "is empty"),
    "blank": (" \n\t\n", "is empty"),
    "not UTF-16": (b"\xff\xfed", "UTF-16 text but is not"),
    "no known encoding": (b"a,b\n\x81,\xff\n", "neither UTF-8 nor Windows-1252"),
    "open quote": ('a,b\n1,2\n1,"2\n3,4\n', "is not quoted well: put a field"),
    "open quotes": ('a,b\n"1,2\n3,4\n"5,6\n', "is not quoted well: put a field"),
    "long name": ("a," + "b" * 2**18 + "\n1,2\n", "has a field of more than 131,072 characters: leave that column out"),
    "long cell": ("a,b\n1,2\n" + "b" * 2**18 + ",2\n", "x.csv has a field of more than 131,072 characters"),
    "long below": (
        "a,b\n" + "1,2\n" * 600 + "1," + "c" * 2**18 + '"c\n',
        "^row 601 .* has a field of more than 131,072",
    ),
    "text after a quote": ('a,b\n1,"2"3\n', "is not quoted well: put a field"),
    "far below": ("a,b\n" + "1,2\n" * 600 + '1,"2\n', r"^row 601 of x\.csv or one below it is not quoted well"),
    "columns": ("ds," + ",".join(f"y{i}" for i in range(100_000)) + "\n", "100,001 columns, .*below"),
    "prose": ("a text, with\nsome lines, and, commas\nand so on\n", "more fields"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_is_refused(name, capfd):
    text, wanted = BAD[name]
    with pytest.raises(DataError, match=wanted) as caught:
        read(text)
    assert "x.csv" in str(caught.value)
    assert len(str(caught.value)) < 300
    assert capfd.readouterr() == ("", "")


def test_endless_line_is_refused_in_little_memory():
    data = b"ds,y\n" + b"1" * 2**26
    tracemalloc.start()
    with pytest.raises(DataError, match="line of more than 16 MiB"):
        read_delimited(data, "x.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**28


CELLS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\x85"), max_size=5) | st.sampled_from(
    ["a\nb", 'x"y', ",", ";", "a, b", '""', "1.5"]
)


@given(st.lists(st.tuples(st.dates(), CELLS, st.integers()), min_size=2, max_size=9), st.sampled_from(",;\t|"))
def test_what_the_standard_library_writes_is_read_as_written(rows, separator):
    file = StringIO()
    writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("day", "what", "count"), *rows])
    raw = read(file.getvalue())
    assert raw.frame.rows() == [(str(day), cell.strip() or None, str(count)) for day, cell, count in rows]
    assert raw.separator == separator


def test_a_long_file_is_read_whole():
    rows = "".join(f"s{i % 7},{i},{i / 4}\n" for i in range(200_000))
    raw = read(gzip.decompress(gzip.compress(f"id,step,y\n{rows}".encode())))
    assert raw.frame.shape == (200_000, 3)
    assert raw.frame["step"].cast(int).sum() == sum(range(200_000))

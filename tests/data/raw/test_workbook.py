import base64
import io
import zipfile
import zlib
from datetime import datetime

import polars as pl
import pytest
import xlsxwriter

from grucast.data.raw.extent import check_extents
from grucast.data.raw.workbook import read_workbook
from grucast.errors import DataError

DAYS = [datetime(2024, 1, day) for day in (1, 2, 3)]
ROWS = [(day, 1.5 * index) for index, day in enumerate(DAYS)]
OLD = zlib.decompress(  # xlwt wrote this .xls file of three rows
    base64.b85decode(
        "c-rk)O=uHA6#izDG(WV-rcH%bD4}50v^|KIUfQ)%?J1>t@fS2TIY>()(M!FwwdN=Yo)j;Idhk+z4)q@tFCK)79t1&1^yo=w!9$z%"
        "&D&X;rY$s}1?zmvyqSIPdowSYH#58YVIf+adDL1$75d;o*$$$vLMNyM-5V2Rw{6*U>i`v7<DWt>KoeQ#!;6OZemRG7zDqFh(EElY"
        "@Qun@T*6Q;n~85D4s#4CA!FzzDR7rGVYF~mjVv#)Y-0I<nJ-x$V$BVfy~Hhw(^#;E5<M!5Pa5rP3q$t%gnhoS<^Y=UPG<4MP2q5T"
        "=+9qFjqMaeo3|dbpqU=bWHWhrAHh9@fK!C-WU_l;pokb{!7P^SII!q0_t$Z)-(I}{>3^-&`!~@CHqi%Za;x>X3@<PV`#i6z0&x;v"
        "CrA31DQ)C3ki`R}Q{!a0oEuAr<j&7Kg}G*@Xy6r8Pcn@Nx1;QAQbf!5e|}7k3|r?|Gs&lebB64Z5x~Zj^dRRjTQ~^jCRlc|yvDum"
        "=5{N~809k69mCD4adetF*V)=Z;~Zpsvi4TA_ffm><Ji--!gp&wwdV#)S7URZtr@h_KaeJWc}=5Bbcs8+C7xMsE!2MVm1WDiy(eIp"
        "Dt22Plo71RMMa3Rbnaw7Lh(fv|CO>e;qhBTjVG9CY`}EJo@eG6!)1ClV0xJOoS9+nv(IS6yzGGX$yJ1)p`oFnp`oFn@jpPUKJN1q"
        "xKBOV`_*@y6)I)@nPkV}IC6Adp?Ab1$Woohcuo1U3qIlYCAR3}elL_bL8Ip}iV==uwC4P!cOg;vd$#Oo{<$So>-gnb;{40w{|4BE"
        "*<S"
    )
)
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
ODS = f"""<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="{TABLE}" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"><office:body>
<office:spreadsheet><table:table table:name="A">{{rows}}</table:table></office:spreadsheet></office:body>
</office:document-content>"""
CELL = (
    '<table:table-cell{more} office:value-type="{kind}" office:{name}="{value}">'
    "<text:p>{value}</text:p></table:table-cell>"
)
FAR = (
    '<table:table-row table:number-rows-repeated="1048570">'
    '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
)


def excel(**sheets):
    """A workbook of cells by row and column."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
        for title, cells in sheets.items():
            sheet = book.add_worksheet(title)
            for (row, column), value in cells.items():
                sheet.write(row, column, value)
    return file.getvalue()


def cells(rows, top=0, left=0):
    return {
        (top + row, left + column): value
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
        if value is not None
    }


def ods(rows):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", ODS.format(rows=rows))
    return file.getvalue()


def cell(value, more=""):
    kind, name = ("date", "date-value") if isinstance(value, datetime) else ("float", "value")
    if isinstance(value, str):
        kind, name = "string", "string-value"
    return CELL.format(
        more=more, kind=kind, name=name, value=value.isoformat() if isinstance(value, datetime) else value
    )


def row(*values):
    return "<table:table-row>" + "".join(map(cell, values)) + "</table:table-row>"


WAYS = {
    "plain": excel(A=cells([("day", "sold"), *ROWS])),
    "away from the corner": excel(A=cells([("day ", " sold"), *ROWS], 3, 2)),
    "xls": OLD,
    "ods": ods(row("day", "sold") + "".join(row(*values) for values in ROWS) + FAR),
    "empty rows": excel(A=cells([("day", "sold"), ROWS[0], (None, " "), *ROWS[1:]])),
}


@pytest.mark.parametrize("way", WAYS)
def test_dates_and_numbers_are_kept(way):
    [raw] = read_workbook(WAYS[way], "x")
    assert raw.frame.equals(pl.DataFrame(ROWS, schema={"day": pl.Datetime("ms"), "sold": pl.Float64}, orient="row"))
    assert (raw.name, raw.separator, raw.notes) == ("x", None, ())


def test_header_is_found_between_titles_and_notes():
    rows = [("Sales of 2024",), ("in thousands", None, "draft"), (), ("day", "sold"), *ROWS, (), ("Source: the works",)]
    [raw] = read_workbook(excel(A=cells(rows, 1, 1)), "x")
    assert raw.frame.columns == ["day", "sold"]
    assert raw.frame.rows() == ROWS
    assert raw.notes == ("3 lines above the header skipped", "1 line below the data skipped")


def test_columns_of_mixed_cells_are_text():
    mixed = [(1, "x", True), (2, 5, False), (3, DAYS[0], True)]
    [raw] = read_workbook(excel(A=cells([("n", "mixed", "flag"), *mixed])), "x")
    assert raw.frame.dtypes == [pl.Float64, pl.String, pl.Boolean] or raw.frame.dtypes[0] == pl.Int64
    assert raw.frame["mixed"].to_list() == ["x", "5", "2024-01-01 00:00:00"]


def test_dates_above_numbers_are_names():
    [raw] = read_workbook(excel(A=cells([("shop", *DAYS), ("a", 1, 2, 3), ("b", 4, 5, 6)])), "x")
    assert raw.frame.columns == ["shop", *[str(day) for day in DAYS]]
    assert raw.frame.rows() == [("a", 1, 2, 3), ("b", 4, 5, 6)]


def test_each_sheet_with_a_table_is_an_alternative():
    book = excel(
        Notes=cells([("made by hand",), ("in a hurry",)]),
        A=cells([("day", "sold"), *ROWS]),
        Empty={},
        B=cells([("n",), (1,), (2,), (3,)]),
    )
    assert [raw.name for raw in read_workbook(book, "x")] == ["x, sheet 'A'", "x, sheet 'B'"]
    for sheet in ("B", "4"):
        [raw] = read_workbook(book, "x", sheet)
        assert raw.frame["n"].to_list() == [1, 2, 3]
    for sheet in ("C", "0", "5"):
        with pytest.raises(DataError, match=f"x has no sheet '{sheet}': there are 'Notes', 'A', 'Empty', 'B'"):
            read_workbook(book, "x", sheet)


def test_only_sheet_with_a_table_is_told():
    [raw] = read_workbook(excel(Notes={(0, 0): "by hand"}, A=cells([("day", "sold"), *ROWS])), "x")
    assert raw.name == "x, sheet 'A'"
    assert raw.notes == ("its other sheets hold no table",)


def test_skipped_rows_are_the_users_word():
    [raw] = read_workbook(excel(A=cells([(1, 2), ("a", "b"), (3, 4), (5, 6)])), "x", skip_rows=1)
    assert raw.frame.to_dict(as_series=False) == {"a": [3, 5], "b": [4, 6]}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (excel(A={}, B={}), r"x holds no table: none of its sheets \('A', 'B'\)"),
        (WAYS["plain"][:4] + b"\x99" * 1000, "x cannot be read as a workbook"),
        (OLD[:600], "x cannot be read as a workbook"),
    ],
)
def test_workbook_without_a_table_is_refused(data, wanted):
    with pytest.raises(DataError, match=wanted):
        read_workbook(data, "x")


WIDE = cell(1, ' table:number-columns-repeated="16384"')
BOMBS = {
    "xlsx": excel(A={(0, 0): 1, (1_048_575, 16_383): 2}),
    "long": excel(A={(0, 0): 1, (100_000, 600): 2}),
    "wide and long": ods(
        "<table:table-row>"
        + WIDE
        + "</table:table-row>"
        + f'<table:table-row table:number-rows-repeated="1048570">{cell(1)}</table:table-row>'
    ),
    "far": ods("<table:table-row>" + WIDE + "</table:table-row>" + FAR + row(1)),
}


@pytest.mark.parametrize("way", BOMBS)
def test_cells_far_apart_are_refused(way):
    with pytest.raises(DataError, match=r"x has a sheet of [\d,]+ rows and [\d,]+ columns with [\d,]+ cells: delete"):
        read_workbook(BOMBS[way], "x")


def test_small_table_far_out_is_read():
    assert len(read_workbook(excel(A=cells([("day", "sold"), *ROWS], 20_000, 30)), "x")[0].frame) == 3


def test_damaged_sheet_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("content.xml", "<a>")
    with pytest.raises(DataError, match="x is a damaged workbook"):
        check_extents(zipfile.ZipFile(file), "x")

from datetime import date

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from grucast.data.reading.looks import look_at


def look(values, library=pl.Series):
    return look_at(nw.from_native(library(values), series_only=True))


COLUMNS = {
    "time": ["2024-01-31", "2024-02-29"],
    "integer": ["1", "2", None],
    "number": ["1.5", "2,5", "$3", "NA"],
    "clock": ["06.00.00", "14.00.00"],
    "boolean": ["true", "False"],
    "text": ["a", "b", "1"],
    "empty": ["", "NA", None],
}


@pytest.mark.parametrize("library", [pl.Series, pd.Series])
@pytest.mark.parametrize("kind", COLUMNS)
def test_text_is_looked_at(kind, library):
    assert look(COLUMNS[kind], library).kind == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "integer"),
        ([1.0, 2.0], "integer"),
        ([1.5], "number"),
        ([date(2024, 1, 1)], "time"),
        ([True], "boolean"),
        ([[1]], "other"),
    ],
)
def test_types_are_looked_at(values, kind):
    assert look(values).kind == kind


def test_a_few_cells_of_another_kind_are_the_exception():
    assert look([*map(str, range(30)), "closed"]).kind == "number"
    assert look(["1", "2", "closed"]).kind == "text"


def test_dates_among_words_are_counted():
    assert look(["2024-01-01", "2024-01-02", "soon"]).dated == pytest.approx(2 / 3)

import polars as pl
import pytest

from grucast import check, read
from grucast.data.checks.repairs import repairs
from grucast.errors import DataError

UNCLEAR = pl.DataFrame({"day": ["01/02/2024", "02/02/2024", "05/02/2024"], "sold": ["1,234", "2,345", "3,456"]})


def test_each_repair_of_an_ambiguous_file_reads_it():
    with pytest.raises(DataError) as caught:
        read(UNCLEAR, time_format="day first")
    proposed = repairs(str(caught.value))
    assert proposed == [{"decimal": ","}, {"decimal": "."}]
    sums = [read(UNCLEAR, time_format="day first", **options)["y"].sum() for options in proposed]
    assert sums == pytest.approx([7.035, 7035])


def test_orders_of_day_and_month_are_repairs():
    with pytest.raises(DataError) as caught:
        read(UNCLEAR, decimal=".")
    firsts = [read(UNCLEAR, decimal=".", **options)["ds"][0].day for options in repairs(str(caught.value))]
    assert sorted(firsts) == [1, 2]


def test_repairs_of_findings_are_found():
    twice = pl.DataFrame({"ds": [1, 1, 2, 3], "y": [1.0, 2.0, 3.0, 4.0]})
    duplicates = check(twice).findings[0]
    assert repairs(duplicates.advice) == [{"aggregate": how} for how in ("sum", "mean", "last")]


def test_what_is_no_option_is_no_repair():
    assert repairs("column price=3 is odd; correct it") == []


def test_examples_are_no_repairs():
    assert repairs("say how they are written, such as time_format='%d.%m.%Y %H:%M' (--time-format)") == []

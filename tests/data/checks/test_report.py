import json

import polars as pl

from grucast import check
from grucast.data.checks.report import to_json
from tests.data.test_markup import Reader


def test_report_goes_through_json(hourly):
    report = check(hourly.with_columns(x=pl.col("y") * 2))
    parsed = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert parsed["usable"] is True
    assert parsed["leaks"][0]["columns"] == ["x"]
    assert parsed["findings"][0]["level"] == "warning"


def test_what_json_does_not_have_becomes_null_or_text():
    assert to_json({"a": (float("nan"), 1.5, None, True), "b": complex(1)}) == {
        "a": [None, 1.5, None, True],
        "b": "(1+0j)",
    }


def test_a_report_has_a_line_for_each_finding_whatever_it_names(hourly):
    text = str(check(hourly.with_columns(pl.lit(1.0).alias("two\nlines\x1b[31m"))))
    assert r"note: column two\nlines\x1b[31m has one value" in text.splitlines()[-1]


def test_notebooks_show_what_was_found_as_text(hourly):
    report = check(hourly.with_columns(pl.lit(1.0).alias("<b>bold")))
    read = Reader(report._repr_html_())
    assert read.said[0] == "These data can be used"
    assert any("<b>bold has one value" in text for text in read.said)
    broken = check(hourly.with_columns(y=pl.lit(None, pl.Float64)))
    assert not broken.usable
    assert Reader(broken._repr_html_()).said[0] == "These data cannot be used as they are"

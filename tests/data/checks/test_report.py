import json

import polars as pl

from grucast import check
from grucast.data.checks.report import to_json


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

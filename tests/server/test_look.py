import json

import polars as pl
import pytest

from grucast.server.look import file_name, look
from tests.server.conftest import as_csv


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder; `look` changes to it, and the test back."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_described_as_it_is_understood(place):
    (place / "a.csv").write_bytes(as_csv(1, 2))
    found = look(str(place), "a.csv", {})
    assert found["roles"] == {"time": ["ds"], "series": ["unique_id"], "target": "y"}
    assert found["usable"]
    assert (found["h"], found["season"], found["names"]) == (24, [24, 168], ["s1", "s2"])
    assert found["shown"]["name"] == "s1"
    assert len(found["shown"]["y"]) == 299
    json.dumps(found, allow_nan=False)


def test_another_series_is_shown_when_asked(place):
    (place / "a.csv").write_bytes(as_csv(1, 2))
    assert look(str(place), "a.csv", {}, "s2")["shown"]["y"][0] == pytest.approx(12, abs=1)


def test_what_is_ambiguous_is_refused_with_its_repairs_and_columns(place):
    (place / "a.csv").write_text("day,sold\n01/02/2024,1\n02/02/2024,2\n05/02/2024,3\n")
    found = look(str(place), "a.csv", {})
    assert not found["usable"]
    assert found["columns"] == ["day", "sold"]
    assert found["repairs"] == [{"time_format": "%d/%m/%Y"}, {"time_format": "%m/%d/%Y"}]
    assert look(str(place), "a.csv", found["repairs"][0])["facts"]["first"].startswith("2024-02-01")


def test_messages_hold_no_path(place):
    (place / "a.csv").write_bytes(b"\x89PNG nothing")
    said = look(str(place), "a.csv", {})["error"]
    assert said.startswith("a.csv is a picture")
    assert str(place) not in said


def test_options_without_meaning_are_said(place):
    (place / "a.csv").write_bytes(as_csv(1))
    assert "decimal must be one of" in look(str(place), "a.csv", {"decimal": "x"})["error"]


def test_findings_have_repairs(place):
    rows = pl.DataFrame({"ds": [1, 2, 2, 3], "y": [1.0, 2.0, 3.0, 4.0]})
    rows.write_csv(place / "a.csv")
    found = look(str(place), "a.csv", {})
    repairs = [repair for finding in found["findings"] for repair in finding["repairs"]] + found["repairs"]
    assert {"aggregate": "mean"} in repairs
    assert look(str(place), "a.csv", {"aggregate": "mean"})["shown"]["y"] == [1, 2.5, 4]


@pytest.mark.parametrize("given", ["../../etc/passwd", "/etc/passwd", "..\\..\\x.csv", "-", "", "...", "a\0b", "*.csv"])
def test_names_of_files_lead_nowhere_else(given):
    name = file_name(given)
    assert name
    assert not set(name) & set("/\\\0*?[")
    assert not name.startswith((".", "-"))

import json

import pytest


def test_picture_has_the_name_of_the_data(run, data, tmp_path):
    code, out, err = run("plot", data)
    assert (code, out, err) == (0, "Picture: data.png\n", "")
    assert (tmp_path / "data.png").read_bytes().startswith(b"\x89PNG")


def test_picture_is_replaced_only_when_asked(run, data, tmp_path):
    (tmp_path / "data.png").write_text("mine")
    code, _, err = run("plot", data)
    assert code == 2
    assert "data.png is there already: give --overwrite" in err
    assert (tmp_path / "data.png").read_text() == "mine"
    assert run("plot", data, "--overwrite")[0] == 0
    assert (tmp_path / "data.png").read_bytes().startswith(b"\x89PNG")


def test_series_and_steps_are_chosen(run, data, tmp_path):
    code, out, _ = run("plot", data, "--series", "b, a", "--last", 24, "--out", "p.svg", "--json")
    assert (code, json.loads(out)) == (0, {"plot": "p.svg", "series": 2})
    drawn = (tmp_path / "p.svg").read_text()
    assert drawn.index("<!-- b -->") < drawn.index("<!-- a -->")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--series", "c"], "no series 'c' to draw: there are a, b"),
        (["--last", "0"], "at least 1 step"),
        (["--out", "p.txt"], "--out p.txt does not say what to write"),
        (["--out", "data.csv"], "end it with one of .png"),
    ],
)
def test_bad_plots_are_refused_and_nothing_is_written(run, data, tmp_path, words, wanted):
    code, out, err = run("plot", data, *words)
    assert (code, out) == (2, "")
    assert wanted in err
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]

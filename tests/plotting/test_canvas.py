import struct

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from grucast import plotting
from grucast.errors import ConfigError, GrucastError, MissingExtraError
from grucast.plotting.canvas import signed_colours


def size(path):
    """Width and height of a PNG picture, read from its header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_picture_has_the_kind_that_its_name_says(tmp_path, suffix):
    path = tmp_path / f"loss{suffix}"
    plotting.plot_loss([1.0, 0.5, 0.2], path)
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix.lower()])


def test_predictions_are_drawn_at_six_by_four_inches(tmp_path):
    plotting.plot_predictions(np.arange(5), np.arange(5) + 0.1, tmp_path / "p.png")
    assert size(tmp_path / "p.png") == (900, 600)


def test_name_that_is_no_pictures_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"loss\.txt is not a picture's name: .*\.png"):
        plotting.plot_loss([1.0], tmp_path / "loss.txt")


def test_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(GrucastError, match="cannot write"):
        plotting.plot_loss([1.0], tmp_path / "no" / "loss.png")


def test_without_matplotlib_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[plot\]"):
        plotting.plot_loss([1.0], tmp_path / "loss.png")


@pytest.mark.parametrize("unit", ["s", "m", "h", "D"])
def test_no_span_of_time_is_without_ticks_or_with_a_warning(drawn, unit):
    for steps in (2, 5, 20, 55, 100, 130, 151, 250, 400, 1500):
        times = np.datetime64("2020-01-31", "us") + np.arange(steps) * np.timedelta64(1, unit)
        plotting.plot_series(pl.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}), "/dev/null")
        low, high = drawn[-1][0].get_xlim()
        assert 1 <= sum(low <= tick <= high for tick in drawn[-1][0].get_xticks()) <= 11


@pytest.mark.parametrize("steps", [30, 48, 72, 96])
def test_hours_of_few_days_are_marked_from_midnight_on(drawn, steps):
    times = np.datetime64("2020-01-31T10", "us") + np.arange(steps) * np.timedelta64(1, "h")
    plotting.plot_series(pl.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}), "/dev/null")
    ticks = drawn[-1][0].get_xticks()  # days
    np.testing.assert_allclose(ticks[1] - ticks[0], np.diff(ticks), rtol=1e-6)
    assert np.isclose(ticks, ticks.round(), rtol=0, atol=1e-6).any()


def test_names_are_drawn_letter_by_letter(drawn):
    for name in ("from $5 to $x^2", "\\frac{a}", "西区", "_under"):
        plotting.plot_series(pl.DataFrame({"unique_id": name, "ds": [1, 2], "y": [1.0, 2.0]}), "/dev/null", target=name)
        assert drawn[-1][0].get_title(loc="left") == drawn[-1][0].get_ylabel() == name


def test_losses_of_several_names_have_a_curve_each(tmp_path):
    axes = Figure().subplots()
    drawing = plotting.plot_loss({"GRU": [1.0, 0.5], "LSTM": [1.0, 0.7, 0.6]}, step="step", ax=axes)
    assert drawing is axes.figure
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [2, 3]
    assert [axes.spines[side].get_visible() for side in ("left", "right", "top")] == [True, False, False]
    assert axes.xaxis.get_gridlines()[0].get_visible()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["GRU", "LSTM"]


def test_given_axes_are_saved_with_all_that_is_on_their_figure(tmp_path):
    left, right = Figure(figsize=(8, 3)).subplots(1, 2)
    plotting.plot_loss([1.0, 0.5], ax=left)
    plotting.plot_predictions([1.0, 2.0], [1.1, 1.9], tmp_path / "both.png", ax=right)
    assert size(tmp_path / "both.png") == (1200, 450)


def test_signed_colours_are_white_at_zero_and_differ_in_grey():
    below, zero, above = (np.dot(signed_colours()(place)[:3], [0.299, 0.587, 0.114]) for place in (0.0, 0.5, 1.0))
    assert zero > 0.95
    assert above - below > 0.3


@pytest.mark.parametrize(
    ("losses", "wanted"), [([0.5, 0.004], [0.005, 0.01, 0.02, 0.05]), ([0.12, 0.06], [0.06, 0.07])]
)
def test_logarithmic_scale_has_numbers_however_little_it_spans(losses, wanted):
    (axes,) = plotting.plot_loss(losses).axes
    low, high = axes.get_ylim()
    written = [float(label.get_text()) for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert written[: len(wanted)] == pytest.approx(wanted)
    assert axes.get_title(loc="right") == f"last {losses[-1]:.4f}"

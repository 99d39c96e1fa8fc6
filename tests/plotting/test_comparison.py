from dataclasses import replace

import pytest

from grucast.errors import ConfigError
from grucast.plotting import plot_comparison
from tests.comparison.test_result import compared


def test_bars_are_the_milliseconds_and_dots_the_errors_in_the_order_of_the_rows():
    result = compared(LSTM=(0.5, 0.7, 0.9))
    left, right = plot_comparison(result).axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([1000 * row.step_seconds for row in result.rows])
    assert [label.get_text() for label in left.get_yticklabels()] == [row.model for row in result.rows]
    assert left.yaxis_inverted()
    dots = [list(line.get_xdata()) for line in right.lines if line.get_marker() == "o"]
    assert dots == [list(row.ranking) for row in result.rows]
    assert (left.get_xlabel(), right.get_xlabel()) == ("milliseconds", "MASE")


def test_legend_names_whose_kernels_ran_and_the_seasonal_naive():
    (legend,) = plot_comparison(compared()).legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["by torch", "by grucast under torch", "by grucast alone", "SeasonalNaive24"]


def test_picture_is_written_and_its_name_checked(tmp_path):
    compared().plot(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="not a picture's name"):
        compared().plot(tmp_path / "picture.txt")


def test_seasonal_naive_that_is_far_away_is_pointed_to_so_that_the_others_can_be_told_apart():
    result = compared()
    near, far = (
        plot_comparison(replace(result, simple=("SeasonalNaive7", {"MASE": error}))).axes[1] for error in (0.65, 4.2)
    )
    assert [line.get_xdata()[0] for line in near.lines if line.get_label() == "SeasonalNaive7"] == [0.65]
    assert [text.get_text() for text in far.texts] == ["SeasonalNaive7: 4.20 →"]
    assert far.get_xlim()[1] < 1

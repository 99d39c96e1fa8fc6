import math
from dataclasses import replace

import polars as pl
import pytest

from grucast.comparison.contenders import CONTENDERS, Run
from grucast.comparison.result import Comparison

TIMES = {"RNN": 2.0, "LSTM": 4.0, "GRU": 8.0, "grucast.nn": 2.0, "grucast": 1.0}  # milliseconds


def runs_of(contender, times=TIMES, errors=(0.7, 0.8, 0.9)):
    """Made-up runs: the torch GRU is slow, ours are fast."""
    name = contender.model if contender.kernels == "torch" else contender.kernels
    step = times[name] / 1000
    return [
        Run(10, 5, step * (1 + place / 100), 1.0, ((1.0, 0.5), (2.0, 0.4)), {"MASE": error, "MAE": 10 * error},
            ("SeasonalNaive24", {"MASE": 1.0, "MAE": 12.0}))
        for place, error in enumerate(errors)
    ]  # fmt: skip


def compared(times=TIMES, frames=None, **errors):
    runs = {each: runs_of(each, times, errors.get(each.model, (0.7, 0.8, 0.9))) for each in CONTENDERS}
    return Comparison.of(runs, "3 windows of 24 steps in 1 series", 2, frames)


def test_verdict_says_with_whose_kernels_the_claim_is_true():
    assert compared().verdict == (
        "A GRU trains faster than torch's LSTM: false with torch's kernels (its step takes 2.00 times as long), "
        "true with grucast's under torch (0.50) and grucast's without torch (0.25); "
        "GRU and LSTM differ no more than seeds do (MASE 0.800 and 0.800 on 3 windows of 24 steps in 1 series)"
    )


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        (
            {"GRU": 2.0},
            "LSTM: true with torch's kernels (its step takes 0.50 times as long), grucast's under torch (0.50) and",
        ),
        ({"GRU": 4.1}, "LSTM: undecided with torch's kernels (its step takes 1.02 times as long), true with"),
        (
            {"grucast": 9.0},
            "times as long) and grucast's without torch (2.25), true with grucast's under torch (0.50);",
        ),
    ],
)
def test_verdict_follows_the_times(times, wanted):
    assert wanted in compared(TIMES | times).verdict


def test_times_are_compared_within_each_round_and_one_disturbed_round_decides_nothing():
    result = compared()
    lstm = replace(result.rows[1], step_times=(0.004, 0.1, 0.004))
    assert (
        "(its step takes 2.00 times as long)" in replace(result, rows=(result.rows[0], lstm, *result.rows[2:])).verdict
    )


@pytest.mark.parametrize(
    ("gru", "lstm", "wanted"),
    [
        ((0.5, 0.6, 0.6), (0.7, 0.8, 0.9), "with each of 3 seeds the GRU's errors are smaller than all of the LSTM's"),
        ((0.7, 0.8, 0.9), (0.5, 0.6, 0.6), "with each of 3 seeds the GRU's errors are larger than all of the LSTM's"),
        (
            (0.5, 0.6, 0.8),
            (0.7, 0.8, 0.9),
            "GRU and LSTM differ no more than seeds do (MASE 0.633 and 0.800 on 3 windows",
        ),
        ((1.2, 1.3, 1.4), (1.3, 1.4, 1.5), "SeasonalNaive24 is better than all"),
    ],
)
def test_verdict_follows_the_errors(gru, lstm, wanted):
    worse = (1.5,) * 3 if wanted.startswith("Seasonal") else (0.7, 0.8, 0.9)
    said = compared(GRU=gru, LSTM=lstm, RNN=worse, **{"GRU, published": worse}).verdict
    assert wanted in said


def test_one_seed_says_nothing_of_the_spread():
    one = {each: runs_of(each, errors=(0.7,)) for each in CONTENDERS}
    result = Comparison.of(one, "1 window", 2)
    assert result.verdict.endswith("GRU and LSTM have MASE 0.700 and 0.700 on 1 window, with one seed each")
    assert "range" not in result.cells()[0]


def test_level_is_what_the_worst_run_ends_at_and_never_reached_is_a_dash():
    runs = {each: runs_of(each) for each in CONTENDERS}
    bad = replace(runs[CONTENDERS[0]][0], losses=((1.0, 0.9), (2.0, 0.45)))
    runs[CONTENDERS[0]][0] = bad
    result = Comparison.of(runs, "", 2)
    assert result.level == 0.45
    assert [row.level_seconds for row in result.rows] == [2.0] * len(CONTENDERS)
    never = replace(result, rows=[replace(result.rows[0], level_seconds=math.nan), *result.rows[1:]])
    assert [row["s to 0.45"] for row in never.cells()[:2]] == ["-", "2.00"]


def test_table_is_a_frame_of_the_kind_that_came_or_a_list():
    assert [row["MASE-max"] for row in compared().table] == [0.9] * len(CONTENDERS)
    table = compared(frames="polars").table
    assert isinstance(table, pl.DataFrame)
    assert table.columns[:4] == ["model", "kernels", "parameters", "step_seconds"]
    assert table["MASE"].to_list() == pytest.approx([0.8] * len(CONTENDERS))


def test_text_and_page_have_all_rows_and_the_verdict():
    result = compared(LSTM=(0.7, 0.8, 1.2))
    lines, page = str(result).splitlines(), result._repr_html_()
    assert lines[0] == "3 windows of 24 steps in 1 series; 3 seeds of 5 steps, 2 threads"
    assert lines[3].split() == ["LSTM", "torch", "4.04", "0.900", "0.700-1.200", "2.00", "1.0", "10", "9.00"]
    assert lines[-1] == result.verdict
    assert page.count("<tr>") == len(CONTENDERS) + 2
    assert "A GRU trains faster than torch&#x27;s LSTM" in page

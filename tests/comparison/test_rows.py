import pytest

from grucast.comparison.contenders import CONTENDERS, Run
from grucast.comparison.rows import record, summary

RUNS = [
    Run(10, 3, 0.002, 0.01, ((1.0, 0.9), (2.0, 0.5)), {"MASE": 0.7, "MAE": 7.0}),
    Run(10, 3, 0.009, 0.04, ((1.0, 0.4), (2.0, 0.3)), {"MASE": 0.9, "MAE": 8.0}),
    Run(10, 3, 0.003, 0.02, ((3.0, 0.5), (4.0, 0.4)), {"MASE": 0.5, "MAE": 9.0}),
]


def test_times_are_medians_over_the_seeds_and_errors_those_of_each():
    row = summary(CONTENDERS[1], RUNS, 0.5)
    assert (row.model, row.kernels, row.parameters) == ("LSTM", "torch", 10)
    assert (row.step_seconds, row.seconds, row.level_seconds) == (0.003, 0.02, 2.0)
    assert row.ranking == (0.7, 0.9, 0.5)
    assert row.error == pytest.approx(0.7)


def test_record_has_mean_and_range_of_each_measure():
    found = record(summary(CONTENDERS[1], RUNS, 0.5))
    assert [found[name] for name in ("MASE", "MASE-min", "MASE-max", "MAE")] == pytest.approx([0.7, 0.5, 0.9, 8.0])
    assert list(found)[:6] == ["model", "kernels", "parameters", "step_seconds", "seconds", "level_seconds"]

import numpy as np
from numpy.testing import assert_array_equal

from grucast.data.checks.outliers import find_outliers, grouped_median, running_median
from tests.data.checks.test_seasonality import panel_of, wave


def test_planted_outlier_is_named(rng):
    y = rng.normal(size=(2, 200))
    y[1, 70] = 99
    count, farthest = find_outliers(panel_of(y))
    assert count == 1
    assert (farthest[0].unique_id, farthest[0].ds, farthest[0].y) == (1, "70", 99)


def test_seasonal_peaks_are_none(rng):
    peaks = np.tile(np.append(np.zeros(23), 50.0), 20) + rng.normal(0, 1, 480)
    assert find_outliers(panel_of(peaks))[0] > 10
    assert find_outliers(panel_of(peaks), [24])[0] == 0


def test_rare_sales_constant_and_missing_series_have_none():
    rare = np.zeros((3, 100))
    rare[0, ::10], rare[2] = 5, np.nan
    assert find_outliers(panel_of(rare), [7]) == (0, [])


def test_running_median_is_the_median_of_its_series_own_window():
    values = wave(30, 9)
    values[12] = np.nan
    owner = np.repeat([0, 1], 15)
    got = running_median(values, owner, 2)
    for i in range(30):
        near = [values[j] for j in range(i - 6, i + 7, 2) if 0 <= j < 30 and owner[j] == owner[i]]
        near = sorted(v for v in near if np.isfinite(v))
        assert got[i] == near[(len(near) - 1) // 2]


def test_grouped_median_ignores_what_is_missing():
    values = np.array([3.0, 1, 2, np.nan, np.nan, 7, 5])
    assert_array_equal(grouped_median(values, np.array([0, 0, 0, 0, 1, 3, 3]), 4), [2, 0, 0, 5])

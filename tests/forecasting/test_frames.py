import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast.forecasting.frames import FrameKind, forecast_columns


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_types_of_the_given_frame_are_kept(library):
    given = library({"unique_id": np.array([3], np.int32), "ds": np.array(["2024-01-01"], "datetime64[ms]")})
    times = np.array(["2024-01-02", "2024-01-03"], "datetime64[us]")
    made = FrameKind.of(given).make([3, 3], {"ds": times}, {"GRU": np.ones(2)})
    assert isinstance(made, library)
    assert made["unique_id"].dtype == given["unique_id"].dtype
    assert made["ds"].dtype == given["ds"].dtype
    np.testing.assert_array_equal(made["ds"].to_numpy(), times)


def test_quantiles_become_named_columns():
    columns = forecast_columns(np.arange(5.0)[None, None], (80.0, 97.5))
    assert {name: value[0] for name, value in columns.items()} == {
        "GRU": 2, "GRU-lo-80": 1, "GRU-hi-80": 3, "GRU-lo-97.5": 0, "GRU-hi-97.5": 4,
    }  # fmt: skip

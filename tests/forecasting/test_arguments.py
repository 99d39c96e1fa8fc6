import numpy as np
import pytest

from grucast.errors import ConfigError
from grucast.forecasting.arguments import positive, valid_level


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(ConfigError, match="steps must be a whole number of at least 1"):
        positive("steps", value)


def test_count_of_numpy_is_one_of_python():
    assert type(positive("steps", np.int32(3))) is int


def test_levels_are_ascending_and_distinct():
    assert valid_level([95, 80, 80.0]) == (80.0, 95.0)


@pytest.mark.parametrize("level", [(0,), (100,), (float("nan"),), 80, "ab", None])
def test_levels_that_are_no_percentages_are_refused(level):
    with pytest.raises(ConfigError, match="level must hold percentages between 0 and 100"):
        valid_level(level)

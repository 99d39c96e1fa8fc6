import numpy as np
import pytest

from grucast import Covariates
from grucast.data.covariates import Covariate, require_static
from grucast.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "wrong",
    [
        {"past": "temp"},
        {"past": (3,)},
        {"future": ("y",)},
        {"static": ("unique_id",)},
        {"past": ("a",), "future": ("a",)},
        {"static": ("a", "a")},
        {"unknown": "ignore"},
    ],
)
def test_declaration_without_meaning_is_refused(wrong):
    with pytest.raises(ConfigError, match="covariates: "):
        Covariates(**wrong)


def test_lists_of_names_become_tuples():
    assert Covariates(past=["b"], future=["a"]).temporal == ("b", "a")


def test_filling_joins_the_categories():
    column = Covariate(np.array([0.0, 1, np.nan, np.nan]), ("a", "b"))
    got = column.filled(np.array([2, 3]), Covariate(np.array([0.0, np.nan]), ("c",)))
    np.testing.assert_array_equal(got.values, [0, 1, 2, np.nan])
    assert got.categories == ("a", "b", "c")


def test_static_column_has_one_value_a_series():
    values = Covariate(np.array([3.0, 3, np.nan, np.nan]))
    firsts, owner = np.array([0, 2]), np.array([0, 0, 1, 1])
    np.testing.assert_array_equal(require_static("size", values, firsts, owner).values, [3, np.nan])
    with pytest.raises(DataError, match="'size' changes within a series"):
        require_static("size", Covariate(np.array([3.0, 3, 1, np.nan])), firsts, owner)

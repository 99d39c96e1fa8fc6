import narwhals as nw
import numpy as np
import polars as pl
import pytest

from grucast.data.reading.missing import find_codes, without_codes


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([1.5, -999, 2, -999, 4], (-999,)),
        ([3, 9999, 2, 9999, 4], (9999,)),
        ([0.4, -200, 2.6, -200, 11.9], (-200,)),
        ([1.5, -999, 2, 3], ()),
        ([900, 999, 950, 999, 1010], ()),
        ([100, 999, 500, 999, 990], ()),
        ([-950, -999, -990, -999, -1010], ()),
        ([1, 2, 3, 4], ()),
        ([-999, -999], ()),
    ],
)
def test_codes_repeat_and_stand_apart(values, codes):
    assert find_codes(np.array(values, float)) == codes


def test_codes_become_missing_and_are_told():
    y = nw.from_native(pl.Series("y", [1.5, -999, 2, -999, 4]), series_only=True)
    found, codes = without_codes(y, ())
    assert (found.to_list(), codes) == ([1.5, None, 2, None, 4], (-999,))
    assert without_codes(y, ("4",))[0].to_list() == [1.5, -999, 2, -999, None]

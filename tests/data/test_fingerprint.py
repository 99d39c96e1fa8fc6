import hashlib
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import Covariates
from grucast.data.fingerprint import panel_fingerprint, trained_on
from grucast.data.panel import make_panel

COLUMNS = {"unique_id": ["ü"] * 3 + ["b"] * 3, "ds": [1, 2, 4, 5, 6, 7], "y": [1.0, 2.0, 4.0, 5.0, 6.0, 7.0]}
DECLARED = Covariates(past=("sky",), static=("size",))


def panel(library=pl.DataFrame, **changes):
    covariates = {"sky": ["rain", None, "dry"] * 2, "size": [1.5] * 3 + [2.5] * 3}
    return make_panel(library({**COLUMNS, **covariates, **changes}), covariates=DECLARED)


def test_fingerprint_is_the_hash_of_the_parts_packed_by_hand():
    def numbers(form, *values):
        return struct.pack(f"<{len(values)}{form}", *values)

    nan = float("nan")
    parts = [b"\xc3\xbcb", numbers("q", 2, 1), b"i", numbers("q", 1, 5), numbers("q", 0, 4, 7)]
    parts += [numbers("d", 1, 2, nan, 4, 5, 6, 7)]
    parts += [b"1", b"skyraindry", numbers("q", 3, 4, 3), numbers("d", 0, nan, nan, 1, 0, nan, 1)]
    parts += [b"1", b"size", numbers("q", 4), numbers("d", 1.5, 2.5)]
    wanted = hashlib.sha256(b"".join(struct.pack("<Q", len(part)) + part for part in parts)).hexdigest()
    assert panel_fingerprint(panel()) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"y": [1.0, 2.0, 4.0, 5.0, 6.0, 7.5]},
        {"y": [1.0, 2.0, 4.0, 5.0, 6.0, None]},
        {"unique_id": ["ü"] * 3 + ["c"] * 3},
        {"ds": [0, 1, 3, 5, 6, 7]},
        {"ds": [1, 2, 4, 5, 6, 8]},
        {"sky": ["snow", None, "dry"] * 2},
        {"sky": ["rain", "rain", "dry"] * 2},
        {"size": [1.5] * 3 + [2.0] * 3},
    ],
)
def test_other_data_have_another_fingerprint(change):
    assert panel_fingerprint(panel(**change)) != panel_fingerprint(panel())


def test_fingerprint_does_not_depend_on_the_library_or_the_bits_of_nan():
    assert panel_fingerprint(panel(pd.DataFrame)) == panel_fingerprint(panel())
    values = panel().values.copy()
    values[np.isnan(values)] = np.uint64(0xFFF8_0000_0000_0007).view(np.float64)
    assert panel_fingerprint(replace(panel(), values=values)) == panel_fingerprint(panel())


def test_cutoffs_are_the_last_time_stamps():
    facts = trained_on(panel())
    assert (facts.series, facts.first_cutoff, facts.last_cutoff) == (2, 4, 7)
    assert facts.fingerprint == panel_fingerprint(panel())
    hours = pd.date_range("2024-01-01", periods=3, freq="h")
    dated = trained_on(make_panel(pd.DataFrame({"unique_id": "a", "ds": hours, "y": 1.0})))
    assert dated.last_cutoff == 10**6 * int(pd.Timestamp("2024-01-01 02:00", tz="UTC").timestamp())

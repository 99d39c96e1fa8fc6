import copy
import json
import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model.attacks import DATA, GOLDEN, HEADER, META, pack, with_metadata

from grucast import GRUForecaster
from grucast.data.frequency import Frequency
from grucast.errors import GrucastError, ModelFileError
from grucast.model.file import load_model, save_model
from grucast.model.validation import SETTINGS

EXPECTED = json.loads((GOLDEN / "format1-covariates.json").read_text())
WITHOUT_PART = {"dropout", "head_dropout", "training", "trained_on"}  # in a forecast
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)


def places(value, place=()):
    """Every place in the settings, inner ones too."""
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from places(inner, (*place, key))


def changed(place, value):
    """The golden settings with another value at a place."""
    meta = copy.deepcopy(META)
    target = meta
    for key in ("settings", *place[:-1])[: len(place)]:
        target = target[key]
    target[place[-1] if place else "settings"] = value
    return meta


def frame(part):
    return pl.DataFrame(EXPECTED[part]).with_columns(pl.col("ds").str.to_datetime())


def forecast(model):
    """The golden forecast by a model, or None where it cannot read the golden data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # categories that it does not know
        try:
            return GRUForecaster.from_model(model).predict(frame("history"), frame("future"))
        except GrucastError:
            return None


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(places(META["settings"]), key=str)), VALUES)
def test_changed_setting_is_refused_or_makes_a_model_that_works(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("changed") / "m.safetensors"
    path.write_bytes(pack(with_metadata(HEADER, changed(place, value)), DATA))
    try:
        model = load_model(path)
    except ModelFileError:
        return
    got = forecast(model)
    if got is not None:
        assert np.isfinite(got.select(pl.selectors.starts_with("GRU")).to_numpy()).all()
    if WITHOUT_PART.intersection(place):
        np.testing.assert_allclose(got["GRU"], EXPECTED["forecast"]["GRU"], rtol=1e-5)
    save_model(model, path)
    again = load_model(path)
    assert replace(again, weights={}) == replace(model, weights={})


@pytest.mark.parametrize("place", [p for p in places(META["settings"]) if p and isinstance(p[-1], str)], ids=str)
def test_member_that_is_absent_is_refused_unless_optional(place):
    meta = copy.deepcopy(META)
    target = meta["settings"]
    for key in place[:-1]:
        target = target[key]
    del target[place[-1]]
    optional = {("widths",), ("schema",), ("members",), ("training",), ("trained_on",)}
    if place in optional | {("frequency", name) for name in ("day", "zone", "open")}:
        SETTINGS["forecaster"](meta["settings"])
        return
    with pytest.raises(ValueError, match=f"no member '{place[-1]}'"):
        SETTINGS["forecaster"](meta["settings"])


@pytest.mark.parametrize(
    "zone",
    ["", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT", "UTC+02:00", "-03:30"],
)
def test_zones_that_data_can_have_are_known(zone):
    model = SETTINGS["forecaster"](changed(("frequency", "zone"), zone)["settings"])
    assert model.frequency.zone == zone


HOURS = {"kind": "week", "step": 3600 * 10**6, "month_end": False}
WEEKS = {
    "no hours": ([], "open"),
    "an odd number": ([32400], "open"),
    "descending": ([64800, 32400], "open"),
    "less than a step": ([32400, 33000], "open"),
    "beyond the week": ([0, 169 * 3600], "open"),
    "more than can be": ([0, 10**9], "whole number"),
    "hours of another kind": ([0, 3600], "open must be empty"),
    "a step that divides no day": ([0, 7 * 3600], "divide a day"),
}


@pytest.mark.parametrize("case", WEEKS)
def test_weeks_that_cannot_be_are_refused(case):
    hours, wanted = WEEKS[case]
    change = {"hours of another kind": {"kind": "duration"}, "a step that divides no day": {"step": 7 * 3600 * 10**6}}
    value = HOURS | {"open": hours} | change.get(case, {})
    with pytest.raises(ValueError, match=wanted):
        SETTINGS["forecaster"](changed(("frequency",), value)["settings"])


@pytest.mark.parametrize(
    "value",
    [
        HOURS | {"open": [32400, 64800, 118800, 151200]},
        {"kind": "business_month", "step": 3, "month_end": True},
        {"kind": "half_month", "step": 1, "month_end": False},
    ],
)
def test_frequencies_of_each_kind_are_known(value):
    model = SETTINGS["forecaster"](changed(("frequency",), value)["settings"])
    assert model.frequency == Frequency(**value | {"open": tuple(value.get("open", ()))})

import numpy as np
import polars as pl
import pytest

from grucast import Covariates
from grucast.data import encoding
from grucast.data.covariates import Column
from grucast.data.encoding import Schema, embedding_size, encode, fit_schema
from grucast.data.panel import make_panel
from grucast.errors import DataError, UnknownCategoryWarning

DECLARED = Covariates(past=("temp",), future=("sky",), static=("size",))


def frame(**columns):
    base = {"unique_id": ["a"] * 4, "ds": range(4), "y": 1.0, "temp": [1.0, 3.0, None, 5.0], "size": 2}
    return pl.DataFrame({**base, "sky": ["rain", "clear", None, "rain"], **columns})


def panel_of(**columns):
    return make_panel(frame(**columns), covariates=DECLARED)


def test_numbers_are_standardised_and_text_is_numbered():
    panel = panel_of()
    encoded = encode(panel, fit_schema(panel, DECLARED))
    known = np.array([1.0, 3, 5])
    np.testing.assert_allclose(encoded.numbers[[0, 1, 3], 0], (known - 3) / known.std(), rtol=1e-6)
    assert np.isnan(encoded.numbers[2, 0])
    assert encoded.codes[:, 0].tolist() == [2, 1, 0, 2]  # clear, rain
    assert encoded.static_numbers.tolist() == [[0]]


def test_schema_knows_its_declaration():
    assert fit_schema(panel_of(), DECLARED).covariates == DECLARED


def test_categories_after_the_cutoff_are_not_learned():
    schema = fit_schema(panel_of(sky=["rain", "clear", None, "snow"]).drop_last(1), DECLARED)
    assert schema.columns[1].categories == ("clear", "rain")


def test_unknown_category_counts_as_missing_with_a_warning():
    schema = fit_schema(panel_of(), DECLARED)
    with pytest.warns(UnknownCategoryWarning, match="'sky' holds categories that training did not see: snow, hail"):
        codes = encode(panel_of(sky=["snow", "hail", None, "rain"]), schema).codes
    assert codes[:, 0].tolist() == [0, 0, 0, 2]


def test_unknown_category_is_an_error_by_choice():
    schema = fit_schema(panel_of(), Covariates(past=("temp",), future=("sky",), unknown="error"))
    with pytest.raises(DataError, match="snow"):
        encode(panel_of(sky="snow"), schema)


@pytest.mark.parametrize("columns", [{"temp": "warm"}, {"sky": 3.0}])
def test_column_that_changes_its_kind_is_refused(columns):
    with pytest.raises(DataError, match="in training, and now does not"):
        encode(panel_of(**columns), fit_schema(panel_of(), DECLARED))


@pytest.mark.parametrize("column", ["temp", "sky"])
def test_column_without_any_value_is_missing_everywhere(column):
    encoded = encode(panel_of(**{column: None}), fit_schema(panel_of(), DECLARED))
    assert np.isnan(encoded.numbers).all() if column == "temp" else not encoded.codes.any()


def test_numbers_far_from_the_mean_are_bounded():
    for centre, scale, value in ((0.0, 1e-300, 5.0), (0.0, 1e-10, 1e29), (1e30, 1e30, -1e30), (0, 1e-300, -1e30)):
        schema = Schema((Column("temp", "past", centre, scale),))
        numbers = encode(panel_of(temp=[value, None, centre, 0.0]), schema).numbers[:, 0]
        assert abs(numbers[0]) <= 1e6
        assert np.sign(numbers[0]) == np.sign(value - centre)
        assert numbers[2] == 0


def test_constant_and_empty_columns_get_a_scale_of_one():
    schema = fit_schema(panel_of(temp=7e9), DECLARED)
    assert (schema.columns[0].centre, schema.columns[0].scale) == (7e9, 1)
    empty = fit_schema(panel_of(temp=None), DECLARED).columns[0]
    assert (empty.centre, empty.scale) == (0, 1)


def test_nothing_declared_encodes_to_nothing():
    encoded = encode(panel_of(), Schema())
    assert [array.shape for array in encoded[:4]] == [(4, 0), (4, 0), (1, 0), (1, 0)]


@pytest.mark.parametrize(("count", "width"), [(1, 1), (2, 2), (16, 4), (10_000, 20)])
def test_embedding_grows_with_the_fourth_root(count, width):
    assert embedding_size(Column("x", "past", categories=tuple(map(str, range(count))))) == width


def test_more_categories_than_a_model_file_holds_are_refused(monkeypatch):
    monkeypatch.setattr(encoding, "VOCABULARY", 2 * 6 + len("rainclear") - 1)
    with pytest.raises(DataError, match="'sky' has 2 categories, too many"):
        fit_schema(panel_of(), DECLARED)
    monkeypatch.setattr(encoding, "VOCABULARY", 2 * 6 + len("rainclear"))
    assert fit_schema(panel_of(), DECLARED).categorical("future")

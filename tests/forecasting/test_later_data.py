"""What comes after training is taken as what training saw, in whatever form it comes."""

from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grucast import Covariates, GRUForecaster, check
from grucast.errors import DataError
from tests.conftest import TINY

STEPS = 60
H = 2
PRICES = np.random.default_rng(0).uniform(5, 20, STEPS + H).round(2)
AHEAD = [6.0, 19.0]


def history(price, ids="a"):
    frame = pd.DataFrame({"unique_id": ids, "ds": range(STEPS), "y": -4 * PRICES[:STEPS]})
    return frame.assign(price=pd.Series(list(price)[:STEPS], dtype=object).infer_objects())


def future(price=AHEAD, ds=(STEPS, STEPS + 1), **others):
    return pd.DataFrame({"unique_id": "a", "ds": list(ds), "price": price, **others})


def fit(frame, covariates=Covariates(future=("price",))):  # noqa: B008 - frozen
    return GRUForecaster(H, input_size=8, covariates=covariates, **TINY).fit(frame)


@pytest.fixture(scope="module")
def numbers():
    return fit(history(PRICES))


@pytest.fixture(scope="module")
def texts():
    return fit(history(np.where(PRICES > 12, "1", "2")))


WRITTEN = {
    "text": ["6.0", "19.0"],
    "decimal comma": ["6,0", "19,0"],
    "Decimal": [Decimal("6.0"), Decimal("19.00")],
    "objects": np.array([6, "19"], object),
    "categories": pd.Categorical(["6.0", "19.0"]),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_number_in_another_form_gives_the_same_forecast(numbers, name):
    wanted = numbers.predict(future=future())
    changed = history(PRICES).assign(price=[f"{price:.2f}" for price in PRICES[:STEPS]])
    pd.testing.assert_frame_equal(numbers.predict(future=future(WRITTEN[name])), wanted)
    pd.testing.assert_frame_equal(numbers.predict(changed, future(WRITTEN[name])), wanted)
    pd.testing.assert_frame_equal(numbers.stream().update_many(changed, future(WRITTEN[name])), wanted)


@pytest.mark.parametrize("form", [[1, 2], [1.0, 2.0], [Decimal(1), Decimal(2)], pd.Categorical([1, 2])], ids=str)
def test_category_in_another_form_gives_the_same_forecast(texts, form):
    wanted = texts.predict(future=future(["1", "2"]))
    changed = history(np.where(PRICES > 12, 1, 2))
    pd.testing.assert_frame_equal(texts.predict(future=future(form)), wanted)
    pd.testing.assert_frame_equal(texts.predict(changed, future(form)), wanted)
    pd.testing.assert_frame_equal(texts.stream().update_many(changed, future(form)), wanted)


def test_rows_of_a_stream_are_taken_as_training_saw_them(numbers, texts):
    rows = [{"unique_id": "a", "ds": 0, "y": 1.0, "price": price} for price in (6.0, "6.0", Decimal(6))]
    ahead = [{"price": price} for price in (AHEAD, ["6.0", "19"], [Decimal(6), 19])]
    one, *others = (numbers.stream().update(row, own)["GRU"] for row, own in zip(rows, ahead, strict=True))
    assert all((one == other).all() for other in others)
    known = {"unique_id": "a", "ds": 0, "y": 1.0}
    one, other = (
        texts.stream().update(known | {"price": own[0]}, {"price": own})["GRU"] for own in (["1", "2"], [1, 2.0])
    )
    assert (one == other).all()


def test_words_where_training_had_numbers_are_refused_by_name(numbers):
    wanted = "'price' held numbers, or nothing, in training, and now holds 'cheap'"
    with pytest.raises(DataError, match=wanted):
        numbers.predict(future=future(["cheap", "dear"]))
    with pytest.raises(DataError, match=wanted):
        numbers.stream().update({"ds": 0, "y": 1.0, "price": "cheap"}, {"price": AHEAD})


def test_history_without_any_category_takes_those_of_the_future(texts):
    silent = history([None] * STEPS)
    one, other = (texts.predict(silent, future(own))["GRU"].tolist() for own in (["1", "1"], ["2", "2"]))
    assert one != other


@pytest.mark.parametrize("form", [[Decimal(f"{price:.2f}") for price in PRICES], np.array(list(PRICES), object)])
def test_training_takes_decimals_and_objects_for_the_numbers_they_are(numbers, form):
    frame = history(PRICES).assign(price=pd.Series(list(form)[:STEPS], dtype=object))
    pd.testing.assert_frame_equal(fit(frame).predict(future=future()), numbers.predict(future=future()))


FUTURES = {
    "lazy": lambda: pl.LazyFrame(future()),
    "polars": lambda: pl.DataFrame(future()),
    "arrow": lambda: pa.Table.from_pandas(future(), preserve_index=False),
    "arrow batch": lambda: pa.RecordBatch.from_pandas(future(), preserve_index=False),
    "narwhals": lambda: nw.from_native(future()),
    "narwhals lazy": lambda: nw.from_native(pl.LazyFrame(future())),
    "dictionary": lambda: future().to_dict("list"),
    "odd columns": lambda: future().assign(**{"other": 1}).rename(columns={"other": 7}),
    "categories": lambda: future().astype({"unique_id": "category"}),
}


@pytest.mark.parametrize("kind", FUTURES)
def test_future_of_any_kind_is_taken(numbers, kind):
    wanted = numbers.predict(future=future())
    pd.testing.assert_frame_equal(numbers.predict(future=FUTURES[kind]()), wanted)
    pd.testing.assert_frame_equal(numbers.stream().update_many(history(PRICES), FUTURES[kind]()), wanted)


@pytest.mark.parametrize(
    "odd", [[], future().to_dict("records"), pd.Series(AHEAD), pl.Series("price", AHEAD), 5, "absent.csv"]
)
def test_future_that_is_no_table_is_refused(numbers, odd):
    with pytest.raises(DataError, match=r"^future \(--future\)"):
        numbers.predict(future=odd)
    with pytest.raises(DataError, match=r"^future \(--future\)"):
        numbers.stream().update_many(history(PRICES), odd)


def test_future_with_a_step_twice_is_refused(numbers):
    twice = future([6.0, 19.0, 7.0], (STEPS, STEPS + 1, STEPS + 1))
    for ask in (numbers.predict, lambda future: numbers.stream().update_many(history(PRICES), future)):
        with pytest.raises(DataError, match="has series 'a' at 61 more than once"):
            ask(future=twice)


def test_future_of_joined_rows_is_joined_too():
    frame = pd.concat([history(PRICES), history(PRICES)])
    forecaster = GRUForecaster(H, input_size=8, covariates=Covariates(future=("price",)), **TINY)
    forecaster.fit(frame, aggregate="sum")
    one, twice = (forecaster.predict(future=own) for own in (future(), pd.concat([future([1.0, 2.0]), future()])))
    pd.testing.assert_frame_equal(one, twice)


def test_future_with_other_time_stamps_is_refused(numbers):
    dates = pd.date_range("2024-01-01", periods=STEPS + H)
    dated = fit(history(PRICES).assign(ds=dates[:STEPS]))
    with pytest.raises(DataError, match=r"ds of future \(--future\) holds dates"):
        numbers.predict(future=future(ds=dates[STEPS:]))
    with pytest.raises(DataError, match=r"ds of future \(--future\) holds integers"):
        dated.predict(future=future())
    with pytest.raises(DataError, match="ds holds integers"):
        dated.predict(history(PRICES), future(ds=dates[STEPS:]))
    zoned = history(PRICES).assign(ds=dates[:STEPS].tz_localize("Europe/Berlin"))
    with pytest.raises(DataError, match=r"but ds of future \(--future\) has no time zone"):
        dated.predict(zoned, future(ds=dates[STEPS:]))
    with pytest.raises(DataError, match=r"but ds of future \(--future\) has no time zone"):
        fit(zoned).stream().update_many(zoned, future(ds=dates[STEPS:]))


@pytest.mark.parametrize("names", [[2, 1], [True, False], [2.5, 1.5]], ids=str)
def test_ids_that_are_categories_come_back_as_they_are(names):
    frame = pd.concat([history(PRICES, name) for name in names])
    frame = frame.assign(unique_id=pd.Categorical(frame["unique_id"]))
    ahead = pd.concat([future().assign(unique_id=name) for name in names])
    forecaster = fit(frame)
    forecast = forecaster.predict(future=ahead.assign(unique_id=pd.Categorical(ahead["unique_id"])))
    assert forecast["unique_id"].tolist() == np.repeat(names, H).tolist()
    assert forecast["unique_id"].dtype == frame["unique_id"].dtype
    assert set(forecaster.cross_validation(frame, n_windows=1)["unique_id"]) == set(names)
    assert set(forecaster.stream().update_many(frame, ahead)["unique_id"]) == set(names)
    assert check(frame, covariates=forecaster.covariates).usable


@pytest.mark.parametrize("form", [[Decimal(f"{price:.2f}") for price in PRICES], np.array(list(PRICES), object)])
def test_check_takes_decimals_and_objects_for_the_numbers_they_are(form):
    report = check(history(PRICES).assign(price=pd.Series(list(form)[:STEPS], dtype=object)))
    assert report.columns[0].kind == "number"
    assert not any("text" in finding.what for finding in report.findings)
    assert report.leaks

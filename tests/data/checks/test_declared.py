import pandas as pd
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, check
from grucast.data.checks.declared import given_away, judge_leak, roles_of
from grucast.data.checks.leaks import Leak
from grucast.data.panel import make_panel
from grucast.errors import DataError


@pytest.fixture
def shop(hourly, rng):
    """The two series with columns of all kinds, y missing in their last 6 hours."""
    rows, late = len(hourly), pl.col("ds") > pl.col("ds").max() - pl.duration(hours=6)
    part = pl.Series(rng.normal(size=rows))
    columns = hourly.with_columns(
        temp=pl.when(~late).then(pl.Series(rng.normal(size=rows))),
        price=rng.normal(size=rows),
        twin=2 * pl.col("y") + 3,
        lag=pl.col("y").shift(1).over("unique_id"),
        lead=pl.col("y").shift(-1).over("unique_id"),
        part=part,
        rest=pl.col("y") - part,
        region=pl.col("unique_id"),
        day=pl.col("ds"),
    )
    return columns.with_columns(pl.when(~late).then("y"))


def found(frame, **roles):
    return [
        (f.level, f.what) for f in check(frame, covariates=Covariates(**roles)).findings if "without y" not in f.what
    ]


def only(frame, *columns, **roles):
    ((level, what),) = found(frame.select("unique_id", "ds", "y", *columns), **roles)
    return level, what


def test_columns_that_fit_their_role_have_no_findings(shop):
    assert found(shop.select("unique_id", "ds", "y", "temp", "price", "region"), past=["temp"], future=["price"]) == []


@pytest.mark.parametrize("roles", [{"past": ["wind"]}, {"static": ["price"]}, {"future": ["day"]}])
def test_what_fit_refuses_is_an_error(shop, roles):
    (level, what), *_ = found(shop.select("unique_id", "ds", "y", "price", "day"), **roles)
    assert level == "error"
    with pytest.raises(DataError) as refused:
        GRUForecaster(6, covariates=Covariates(**roles)).fit(shop)
    assert str(refused.value).startswith(what)


def test_past_column_with_values_ahead_can_be_declared_future(shop):
    assert only(shop, "price", past=["price"]) == (
        "note",
        "past covariate price has values in 100% of the rows after the last y",
    )


def test_past_column_that_is_the_target_is_not_advised_to_be_future(shop):
    assert only(shop, "twin", past=["twin"]) == ("note", "y = 0.5 twin - 1.5")


def test_future_column_without_values_ahead_is_a_warning(shop):
    level, what = only(shop, "temp", future=["temp"])
    assert level == "warning"
    assert "perhaps a leak: future covariate temp has no value" in what


@pytest.mark.parametrize("columns", [["twin"], ["lag"], ["lead"], ["part", "rest"]])
def test_future_columns_that_hold_the_target_are_leaks(shop, columns):
    level, what = found(shop.select("unique_id", "ds", "y", *columns), future=columns)[0]
    assert (level, what.split(":")[0]) == ("warning", "leak, declared future")
    assert all(name in what for name in columns)


def test_past_columns_may_hold_the_target_but_not_its_future(shop):
    known = shop.filter(pl.col("y").is_not_null())
    assert only(known, "twin", past=["twin"])[0] == "note"
    assert only(known, "part", "rest", past=["part"], future=["rest"])[0] == "note"
    assert only(known, "lead", past=["lead"]) == ("warning", "leak: lead moves as y 1 step ahead")


def test_columns_that_are_not_declared_do_not_hide_a_declared_leak(hourly, rng):
    scale = pl.col("unique_id").replace_strict({"a": 1.0, "b": 1000.0})
    small, large = (pl.Series(size * rng.normal(size=len(hourly))) * scale for size in (0.05, 5))
    frame = hourly.with_columns(small=small, large=large).with_columns(
        most=pl.col("y") - pl.col("small"), other=pl.col("y") - pl.col("large")
    )
    assert found(frame) == [("warning", "leak: y = small + most")]
    declared = found(frame, future=["large", "other"])
    assert declared[0] == ("warning", "leak, declared future: y = large + other")


def test_leak_that_is_not_declared_is_judged_without_roles():
    leak = Leak("sum", ("a", "b"), "y = a + b")
    assert judge_leak(leak, {"a": "future"}) == judge_leak(leak, {})
    assert judge_leak(leak, roles_of(Covariates(future=("a", "b")))).what != judge_leak(leak, {}).what


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [(["twin"], [("twin",)]), (["part", "rest"], [("part", "rest")]), (["lead"], [("lead",)]), (["lag", "part"], [])],
)
def test_panel_gives_away_what_its_columns_hold_exactly(shop, columns, wanted):
    frame = shop.filter(pl.col("y").is_not_null())
    panel = make_panel(frame, covariates=Covariates(future=tuple(columns)))
    assert [leak.columns for leak in given_away(panel, columns)] == wanted


def test_pandas_has_the_same_findings(shop):
    roles = {"past": ["price", "twin"], "future": ["temp", "lag"], "static": ["region"]}
    frame = shop.drop("day")
    assert found(pd.DataFrame(frame.to_dict(as_series=False)), **roles) == found(frame, **roles)

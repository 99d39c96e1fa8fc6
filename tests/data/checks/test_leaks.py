import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast.data.checks.leaks import fewest, find_leaks, share_left
from grucast.data.checks.means import Target


def make(rng, series=1, steps=400):
    y = rng.normal(size=(series, steps)).cumsum(1)
    return Target(np.repeat(np.arange(series), steps), np.tile(np.arange(steps), series), y.ravel())


def only(target, **columns):
    (leak,) = find_leaks(target, columns)
    return leak


def test_sum_of_columns_is_found_with_its_fewest_members(rng):
    target = make(rng)
    part, other, noise = target.y * rng.random(400), rng.normal(size=(400)), rng.normal(size=400)
    leak = only(target, noise=noise, part=part, other=other, rest=target.y - part)
    assert (leak.kind, leak.columns, leak.text) == ("sum", ("part", "rest"), "y = part + rest")


def test_weights_of_a_combination_are_named(rng):
    target = make(rng)
    part = rng.normal(size=400)
    assert only(target, a=part, b=(target.y - 2 * part) / -0.5).text == "y = 2 a - 0.5 b"


def test_same_column_on_any_scale_is_found(rng):
    target = make(rng, series=3)
    assert only(target, twin=target.y).text == "twin is y"
    assert only(target, scaled=4 * target.y + 2).text == "y = 0.25 scaled - 0.5"
    assert only(target, halved=0.5 * (target.y + 1e-14)).text == "y = 2 halved"
    own = target.y * (1 + target.codes) + 10 * target.codes
    assert only(target, own=own).text == "own is y on another scale in each series"


@pytest.mark.parametrize(("ahead", "kind"), [(1, "ahead"), (24, "ahead"), (-1, "past"), (-24, "past")])
def test_moved_target_leaks_where_it_holds_the_future(rng, ahead, kind):
    target = make(rng, series=2)
    leak = only(target, moved=target.moved(np.array([ahead]))[:, 0])
    assert leak.kind == kind
    assert f"y {abs(ahead)} step" in leak.text


@pytest.mark.parametrize(("reach", "kind"), [((1, 8), "ahead"), ((-3, 4), "ahead"), ((-7, 0), "past")])
def test_moving_mean_leaks_where_it_reaches_ahead(rng, reach, kind):
    target = make(rng)
    mean = target.moved(np.arange(*reach)).mean(1)
    leak = only(target, mean=mean)
    assert leak.kind == kind
    assert f"mean of {reach[1] - reach[0]} values" in leak.text


def test_row_shift_across_gaps_is_found(rng):
    whole = make(rng)
    kept = np.flatnonzero(rng.random(400) < 0.9)
    target = Target(whole.codes[kept], whole.steps[kept], whole.y[kept])
    assert only(target, lead=np.append(target.y[1:], np.nan)).kind == "ahead"


def test_nearly_the_target_is_a_suspicion(rng):
    target = make(rng)
    assert only(target, near=target.y + rng.normal(0, 0.01, 400)).kind == "near"
    assert find_leaks(target, {"far": target.y + rng.normal(0, 0.5, 400)}) == []


def test_size_of_the_values_does_not_matter(rng):
    target = make(rng)
    huge = Target(target.codes, target.steps, target.y * 1e99)
    assert only(huge, twin=huge.y).kind == "same"


def test_trends_constants_and_missing_columns_are_no_leaks(rng):
    target = make(rng)
    columns = {
        "trend": 0.1 * target.steps,
        "constant": np.full(400, 3.3),
        "missing": np.full(400, np.nan),
        "one": np.append(1.0, np.zeros(399)),
        "weekday": target.steps % 7.0,
    }
    assert find_leaks(target, columns) == []
    line = Target(target.codes, target.steps, 0.3 * target.steps + 7)
    assert find_leaks(line, columns) == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 60), st.integers(0, 6), st.sampled_from([0, 0.3, 0.9])
)
def test_independent_columns_are_never_leaks(seed, series, steps, count, rare):
    rng = np.random.default_rng(seed)
    target = make(rng, series, steps)
    y = np.where(rng.random(len(target.y)) < rare, 0, target.y)  # zeros as in rare sales
    y[rng.random(len(y)) < 0.1] = np.nan
    columns = {str(i): rng.integers(0, 3, len(y)) * rng.choice([1.0, 0.1]) for i in range(count)}
    assert find_leaks(Target(target.codes, target.steps, y), columns) == []


@pytest.mark.parametrize("size", [1e-300, 1e99])
def test_extreme_values_are_compared_without_overflow(rng, size):
    target = make(rng)
    extreme = Target(target.codes, target.steps, target.y * size)
    leak = only(extreme, twin=target.y)
    assert leak.kind == "same"
    assert leak.text.startswith(f"y = {size:.6g} twin")


def test_rounding_of_two_trends_is_no_leak():
    steps = np.arange(400)
    line = Target(np.zeros(400, np.int64), steps, 0.1 * steps)
    assert find_leaks(line, {"double": 0.2 * steps}) == []


def test_sum_of_two_is_found_among_thousands_of_columns(rng):
    target = make(rng, steps=3000)
    part = rng.normal(size=3000).cumsum()
    columns = {f"c{index}": rng.normal(size=3000) for index in range(600)}
    begin = time.process_time()
    leak = only(target, **columns, part=part, rest=target.y - part)
    assert leak.columns == ("part", "rest")
    assert time.process_time() - begin < 20  # measured: 2 s


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 4))
def test_fewest_columns_are_those_of_trying_one_after_the_other(seed, count, parts):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, count)) @ rng.normal(size=(count, count)) ** rng.integers(1, 3)
    table = np.column_stack([x / np.linalg.norm(x, axis=0), x[:, :parts].sum(1)])
    kept, size = list(range(count)), np.abs(np.linalg.lstsq(table[:, :-1], table[:, -1])[0])
    for index in np.argsort(size, kind="stable").tolist():
        rest = [other for other in kept if other != index]
        if rest and share_left(table, rest) <= 1e-8:
            kept = rest
    assert fewest(table, 1e-8) == kept

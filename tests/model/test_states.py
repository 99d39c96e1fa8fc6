"""The ring buffers against a dictionary that forgets nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.covariates import Column
from grucast.data.encoding import Encoded, Schema
from grucast.data.frequency import Frequency
from grucast.errors import DataError
from grucast.model.states import ARRAYS, States

SIZE = 7
SCHEMA = Schema((Column("load", "past"), Column("sky", "past", categories=("clear", "grey")), Column("size", "static")))


def make(schema=SCHEMA):
    return States.empty(SIZE, Frequency("integer", 5), schema)


def value(name, step):
    return ord(name) + step / 1000


def beside(names, steps):
    """Covariates that tell series and step."""
    numbers = np.array([[value(name, step)] for name, step in zip(names, steps, strict=True)], np.float32)
    codes = np.array([[1 + step % 2] for step in steps], np.int32)
    static = np.array([[ord(name)] for name in names], np.float32)
    return Encoded(numbers, codes, static, np.zeros((len(names), 0), np.int32), ())


def record(states, rows):
    """Rows (name, step) in the order of series and step, as the stream gives them."""
    index = states.rows([name for name, _ in rows], np.array([100 + 5 * step for _, step in rows]))
    order = sorted(range(len(rows)), key=lambda i: (index[i], rows[i][1]))
    rows = [rows[i] for i in order]
    names, steps = [name for name, _ in rows], [step for _, step in rows]
    y = np.array([value(*one) for one in rows])
    states.record(index[order], np.array([100 + 5 * step for step in steps]), y, beside(names, steps))


batches = st.lists(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 40)), min_size=1, max_size=12), min_size=1, max_size=8
)


@given(batches)
def test_windows_are_the_last_steps_of_all_that_came(given_batches):
    states, came = make(), {}
    for name in "abcde":
        record(states, [(name, 0)])
        came[name] = {0}
    for rows in given_batches:
        record(states, rows)
        for name, step in rows:
            came[name].add(step)
    window = states.window(np.arange(5), 3)
    for row, name in enumerate("abcde"):
        times, values = states.recent(name)
        np.testing.assert_array_equal(values, window.history[row, -len(values) :])
        np.testing.assert_array_equal(times, states.starts[row] + 5 * np.arange(states.lengths[row])[-SIZE:])
        last = max(came[name])
        assert states.lengths[row] == last + 1
        places = range(last - SIZE + 1, last + 1)
        wanted = [value(name, p) if p in came[name] else np.nan for p in places]
        np.testing.assert_array_equal(window.history[row], wanted)
        np.testing.assert_array_equal(window.numbers[row, :SIZE, 0], np.array(wanted, np.float32))
        codes = [1 + p % 2 if p in came[name] else 0 for p in places]
        np.testing.assert_array_equal(window.codes[row, :SIZE, 0], codes)
        assert window.static_numbers[row, 0] == ord(name)
    assert np.isnan(window.numbers[:, SIZE:]).all()
    assert (window.codes[:, SIZE:] == 0).all()


FREQUENCIES = {"integers": Frequency("integer", 5), "hours": Frequency("duration", 3600 * 10**6)}


@pytest.mark.parametrize("kind", FREQUENCIES)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from([1.5, np.nan])), max_size=30))
def test_append_is_record_where_it_takes_a_row_at_all(kind, rows):
    frequency = FREQUENCIES[kind]
    quick, usual = (States.empty(SIZE, frequency, Schema((), ("day",) * (kind == "hours"))) for _ in range(2))
    begin = np.array([100]) if kind == "integers" else np.array(["2024-03-01T05"], "datetime64[us]")
    steps = dict.fromkeys("ab", 0)
    for name, skipped, y in rows:
        time = begin + frequency.stride * (steps[name] + skipped)
        with quick.appended(name, time[0], y) as taken:
            pass
        assert (taken is not None) == (name in usual.row and skipped == 0 and y == 1.5)
        for states in (usual,) if taken is not None else (usual, quick):
            states.record(states.rows([name], time), time, np.array([y]), None)
        steps[name] += skipped + 1
        row = usual.row[name]
        for one, other in zip(quick.latest(row, 3), usual.window(np.array([row]), 3), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


@pytest.mark.parametrize("time", [np.datetime64("2024-03-01T06", "us"), np.int64(101)])
def test_append_leaves_a_row_of_another_kind_or_grid_of_time_to_record(time):
    states = States.empty(SIZE, FREQUENCIES["integers"], Schema())
    states.rows(["a"], np.array([100]))
    with states.appended("a", time, 1.0) as taken:
        assert taken is None


def test_negative_values_are_remembered_whether_a_window_holds_them_or_not():
    states = make(Schema())
    for step, y in ((0, 1.0), (3, 0.0), (30, 2.0)):
        states.record(states.rows(["a"], np.array([100])), np.array([100 + 5 * step]), np.array([y]), None)
    assert states.window(np.zeros(1, int), 1).nonnegative.tolist() == [True]
    states.record(np.zeros(1, int), np.array([100 + 5]), np.array([-1.0]), None)  # long past
    assert states.window(np.zeros(1, int), 1).nonnegative.tolist() == [False]
    assert states.latest(0, 1).nonnegative.tolist() == [False]


def test_arrays_grow_and_keep_what_they_have():
    states = make()
    for index in range(100):
        record(states, [(chr(200 + index), 0)])
    assert len(states) == 100
    np.testing.assert_array_equal(states.window(np.arange(100), 1).history[:, -1], 200.0 + np.arange(100))


@pytest.mark.parametrize(("time", "wanted"), [(101, "not a whole number of steps"), (95, "before the series' first")])
def test_rows_off_the_grid_change_nothing(time, wanted):
    states, untouched = make(), make()
    for each in (states, untouched):
        record(each, [("a", 0), ("a", 2)])
    with pytest.raises(DataError, match=wanted):
        states.record(np.array([0]), np.array([time]), np.ones(1), beside("a", [1]))
    assert same(states, untouched)


def same(one, other):
    arrays = (np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in ARRAYS)
    return one.row == other.row and all(arrays)


def test_an_error_takes_back_what_the_block_did():
    states, untouched = make(), make()
    for each in (states, untouched):
        record(each, [("a", 0), ("b", 0), ("b", 3)])

    def fail():
        with states.all_or_nothing(["a", "c"]):
            record(states, [("a", 1), ("a", 30), ("c", 5)])
            raise DataError("no")

    with pytest.raises(DataError):
        fail()
    assert states.row == untouched.row
    np.testing.assert_array_equal(states.window(np.arange(2), 2).history, untouched.window(np.arange(2), 2).history)
    np.testing.assert_array_equal(states.lengths[:2], untouched.lengths[:2])

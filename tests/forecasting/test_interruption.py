"""A stream among threads, at Ctrl-C, when it is copied, and when one of very many series meets an error."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from time import process_time

import numpy as np
import polars as pl
import pytest

from grucast.errors import DataError
from grucast.model.states import ARRAYS, States

LAST = datetime(2024, 3, 10, 23)


def test_threads_share_a_stream(fitted, hourly):
    rows, shared, alone = hourly.filter(unique_id="a").head(50), fitted.stream(), fitted.stream()
    names = [f"s{k}" for k in range(8)]

    def feed(name):
        for row in rows.to_dicts():
            shared.update(row | {"unique_id": name})
            shared.update_many(pl.DataFrame([row | {"unique_id": f"many {name}"}]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(feed, names))
    alone.update_many(rows)
    row = hourly.filter(unique_id="a").to_dicts()[50]
    wanted = alone.update(row)
    for name in [*names, *(f"many {name}" for name in names)]:
        forecast = shared.update(row | {"unique_id": name})
        assert all(np.array_equal(forecast[column], wanted[column]) for column in wanted if column != "unique_id")


class Interrupt:
    """Raises KeyboardInterrupt before a line of the stream's own files, the n-th that is reached."""

    def __init__(self, place):
        self.left = place

    def __call__(self, frame, event, _):
        if not frame.f_code.co_filename.endswith(("stream.py", "states.py")):
            return None
        if event == "line":
            self.left -= 1
            if self.left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("kind", ["next", "late", "new", "many"])
def test_ctrl_c_anywhere_leaves_the_state_before_or_after_an_update(fitted, hourly, kind):
    history = hourly.filter(unique_id="a").head(60)
    rows = {
        "next": hourly.filter(unique_id="a").to_dicts()[60:61],
        "late": [{"unique_id": "b", "ds": datetime(2024, 2, 22, 12), "y": -5.0}],
        "new": [{"unique_id": name, "ds": LAST, "y": 1.0} for name in ("new", "newer")],
        "many": [{"unique_id": name, "ds": datetime(2024, 2, 26), "y": 1.0} for name in "abc"],
    }[kind]

    def begun():
        stream = fitted.stream()
        stream.update_many(history)
        stream.update([{"unique_id": "b", "ds": datetime(2024, 2, 22, hour), "y": 1.0} for hour in (3, 23)])
        return stream

    def content(stream):
        states = stream.states
        arrays = [getattr(states, name)[: len(states)] for name in ARRAYS]
        return states.ids, states.row, [array[~np.isnan(array)].tolist() for array in arrays]

    before, updated = begun(), begun()
    updated.update(rows[0] if kind == "next" else rows)
    ends = content(before), content(updated)
    assert ends[0] != ends[1]
    for place in range(1000):
        stream = copy.deepcopy(before)
        try:
            sys.settrace(Interrupt(place))
            stream.update(rows[0] if kind == "next" else rows)
            break
        except KeyboardInterrupt:
            assert content(stream) in ends
        finally:
            sys.settrace(None)
    assert place > 20


def test_an_error_takes_no_longer_among_many_series(fitted):
    stream = fitted.stream()
    count = 100_000
    stream.states.ids = [f"s{k}" for k in range(count)]
    stream.states.row = {name: row for row, name in enumerate(stream.states.ids)}
    small = stream.states
    large = States.empty(small.size, small.frequency, small.schema, count)
    stream.states = replace(large, ids=small.ids, row=small.row)
    stream.states.lengths[:] = 1
    stream.states.values[:, 0] = 1.0
    bad = {"unique_id": f"s{count - 1}", "ds": "1970-01-01", "y": 2.0}
    seconds = []
    for _ in range(20):
        begin = process_time()
        with pytest.raises(DataError, match="already, and now 2 comes"):
            stream.update(bad)
        seconds.append(process_time() - begin)
    assert min(seconds) < 0.005


def test_a_copied_stream_goes_its_own_way(fitted, hourly):
    stream = fitted.stream()
    stream.update_many(hourly)
    other = pickle.loads(pickle.dumps(stream))
    row = {"unique_id": "a", "ds": LAST + timedelta(hours=1), "y": 12.0}
    one = stream.update(row)
    assert all(np.array_equal(one[column], other.update(row)[column]) for column in one)
    assert other.states.lengths[0] == stream.states.lengths[0]

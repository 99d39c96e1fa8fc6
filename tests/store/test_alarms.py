import numpy as np
import pytest

from grucast.errors import ModelFileError
from grucast.store import database
from grucast.store.alarms import Interval, outside


def test_interval_is_as_it_was_written():
    ds = np.arange(3).astype("datetime64[us]")
    lo, hi = np.float32([1, 2, 3]), np.float32([4, 5, 6])
    again = Interval.unpack(Interval(ds, lo, hi).pack(), 3, ds.dtype)
    assert all(np.array_equal(one, other) for one, other in zip(again, (ds, lo, hi), strict=True))
    assert outside("a", ds[1], 5.0, again) is None
    assert outside("a", ds[1], 5.5, again) == ("a", ds[1], 5.5, 2.0, 5.0)


@pytest.mark.parametrize("wrong", ["x''", "x'00'", "substr(ahead, 2)", "zeroblob(97)"])
def test_stored_interval_of_a_wrong_length_is_a_damaged_file_and_delete_mends_it(live, hourly, store, wrong):
    rows = hourly.filter(unique_id="a").to_dicts()
    live.update(rows[:60])
    if "postgres" in store.name:
        wrong = {"x''": "''", "x'00'": r"'\x00'", "zeroblob(97)": "decode(repeat('00', 97), 'hex')"}.get(wrong, wrong)
    store.run(lambda c: c.exec_driver_sql(f"UPDATE grucast_states SET ahead = {wrong}, version = 1"))
    for call in (lambda: live.update(rows[60]), lambda: live.forecast("a"), live.held):
        with pytest.raises(ModelFileError, match="damaged"):
            call()
    assert live.delete("a")
    live.update(rows[60])


def test_of_each_series_the_newest_alarms_are_kept(live, hourly, monkeypatch):
    monkeypatch.setattr(database, "ALARMS", 5)
    rows = hourly.filter(unique_id="a").to_dicts()
    other = rows[0] | {"unique_id": "b"}
    live.update([*rows[:60], *(row | {"unique_id": "b"} for row in rows[:60])])
    found = live.events("b")
    for row in rows[60:70]:
        live.update(row | {"y": 1e6})
    assert [alarm.ds for alarm in live.events("a")] == [np.datetime64(row["ds"], "us") for row in rows[65:70]]
    assert live.events("b") == found
    assert live.held(after="a")[0].unique_id == other["unique_id"]

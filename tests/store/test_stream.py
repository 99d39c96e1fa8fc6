import os
import signal
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest

from grucast import Covariates, GRUForecaster
from grucast.errors import ConfigError, DataError, SequenceError, StoreFullError
from grucast.store import StoredStream, Update
from tests.conftest import TINY
from tests.store.acknowledging import row_of

KILLS = int(os.environ.get("GRUCAST_KILLS", "20"))


def same(forecast, other):
    return forecast.keys() == other.keys() and all(np.array_equal(forecast[name], other[name]) for name in other)


def test_a_stored_stream_has_the_bits_of_one_in_memory_and_of_predict(fitted, hourly, live):
    rows, memory = hourly.filter(unique_id="a").tail(80), fitted.stream()
    for row in rows.to_dicts():
        assert same(live.update(row).forecast, memory.update(row))
    wanted = fitted.predict(rows)
    assert all(np.array_equal(live.forecast("a")[name], wanted[name].to_numpy()) for name in wanted.columns[1:])


def test_rows_at_once_are_rows_one_by_one_alarms_too(opening, hourly, fitted, live, tmp_path):
    rows = hourly.sort("ds").head(120).to_dicts()
    other = StoredStream(fitted.model_, opening(f"sqlite:///{tmp_path / 'other.db'}"))
    for one, many in zip([other.update(row) for row in rows], live.update(rows), strict=True):
        assert same(one.forecast, many.forecast)
        assert one.alarm == many.alarm
    assert live.events("a") == other.events("a")


def test_another_process_and_a_restart_see_what_was_written(opening, fitted, hourly, live, url):
    rows, memory = hourly.filter(unique_id="a").head(40).to_dicts(), fitted.stream()
    other = StoredStream(fitted.model_, opening(url))
    for step, row in enumerate(rows):  # in turn, so that what each remembers is out of date
        assert same((other if step % 2 else live).update(row).forecast, memory.update(row))


def test_covariates_have_the_bits_of_a_stream_in_memory(hourly, store):
    frame = hourly.with_columns(price=hourly["y"] * 2, shop=hourly["unique_id"])
    covariates = Covariates(future=["price"], static=["shop"])
    model = GRUForecaster(h=6, input_size=48, covariates=covariates, **TINY).fit(frame)
    live, memory = StoredStream(model.model_, store), model.stream()
    for row in frame.head(60).to_dicts():
        future = {"price": [row["y"]] * 6}
        assert same(live.update(row, future).forecast, memory.update(row, future))


def test_the_same_number_gives_the_same_answer_and_changes_nothing(live, hourly):
    rows = hourly.filter(unique_id="a").to_dicts()
    live.update(rows[:60])
    wild = rows[60] | {"y": 1e4}
    first = live.update(wild, sequence=7)
    again = live.update(wild, sequence=7)
    assert same(first.forecast, again.forecast)
    assert first.alarm
    assert first.alarm == again.alarm
    assert live.events("a").count(first.alarm) == 1
    assert live.latest("a") == 7


def test_an_older_number_or_another_row_is_a_conflict_and_changes_nothing(live, hourly):
    rows = hourly.filter(unique_id="a").to_dicts()
    live.update(rows[0], sequence=7)
    for row, number in ((rows[1], 6), (rows[1], 7), (rows[0], 6)):
        with pytest.raises(SequenceError):
            live.update(row, sequence=number)
    other = rows[0] | {"unique_id": "new"}
    with pytest.raises(SequenceError, match="came before for 1 of these 2"):
        live.update([rows[0], other], sequence=7)
    with pytest.raises(SequenceError, match="another row"):
        live.update(rows[0] | {"y": -1.0}, sequence=7)
    assert live.latest("a") == 7
    with pytest.raises(DataError, match="not in the store"):
        live.forecast("new")


def test_a_bad_row_leaves_store_and_memory_as_they_were(live, hourly, fitted):
    rows, memory = hourly.filter(unique_id="a").to_dicts(), fitted.stream()
    live.update(rows[:50]), memory.update(rows[:50])
    for y in (float("inf"), "much"):
        with pytest.raises(DataError, match="y = "):
            live.update([rows[50], {"unique_id": "new", "ds": rows[50]["ds"], "y": 1.0}, rows[51] | {"y": y}])
    with pytest.raises(DataError, match="not in the store"):
        live.forecast("new")
    assert same(live.update(rows[50]).forecast, memory.update(rows[50]))


def test_updates_at_once_are_updates_one_by_one_and_a_refused_one_leaves_no_trace(live, hourly, fitted, store):
    rows = hourly.filter(unique_id="a").to_dicts()
    good = [Update.of([row | {"unique_id": name}], None, k) for k, row in enumerate(rows[:30]) for name in ("z", "a")]
    bad = Update.of([rows[0] | {"unique_id": "bad", "y": float("inf")}])
    found = live.update_each([bad, *good, good[-1], good[0], bad])
    assert [type(found[place]) for place in (0, -2, -1)] == [DataError, SequenceError, DataError]
    wanted = fitted.stream().update(rows[:30])
    for k, forecast in enumerate(wanted):
        assert all(same({**found[1 + 2 * k + n][0].forecast, "unique_id": "a"}, forecast) for n in range(2))
    assert same(found[-3][0].forecast, wanted[-1])
    assert {own.unique_id for own in live.held()} == {"a", "z"}
    count = "SELECT count(*) FROM grucast_states"
    assert store.run(lambda connection: connection.exec_driver_sql(count).scalar()) == 2


def test_an_observation_outside_its_interval_is_an_alarm(live, hourly, fitted):
    rows = hourly.filter(unique_id="a").to_dicts()
    before = live.update(rows[:60])[-1].forecast
    within = rows[60] | {"y": float(before["GRU"][0])}
    late = rows[62] | {"y": float(before["GRU-hi-95"][2]) + 1}  # two steps were skipped: as that forecast had it
    assert live.update(within).alarm is None
    assert live.delete("a")
    before = live.update(rows[:60])[-1].forecast
    alarm = live.update(late).alarm
    assert (alarm.y, alarm.lo, alarm.hi) == (late["y"], before["GRU-lo-95"][2], before["GRU-hi-95"][2])
    assert alarm.ds == before["ds"][2]
    assert live.events("a")[-1] == alarm
    with pytest.raises(ConfigError, match="none of the levels"):
        StoredStream(fitted.model_, live.store, alarm=42)


def test_a_deleted_series_is_gone_for_those_who_remember_it(opening, live, hourly, url, fitted):
    rows, other = hourly.filter(unique_id="a").to_dicts(), StoredStream(fitted.model_, opening(url))
    live.update(rows[:50])
    assert other.delete("a")
    assert not other.delete("a")
    assert live.events("a") == []
    assert same(live.update(rows[60]).forecast, fitted.stream().update(rows[60]))


def test_series_are_capped_and_memory_is_bounded(fitted, store, hourly):
    row = hourly.to_dicts()[0]
    live = StoredStream(fitted.model_, store, most=3, remembered=2)
    live.update([row | {"unique_id": name} for name in ("1", 1, "x")])
    with pytest.raises(StoreFullError, match="holds 3 series"):
        live.update(row | {"unique_id": "more"})
    assert len(live._cache) == 2
    live.update([row | {"unique_id": name} for name in ("1", 1, "x")])


def test_threads_and_two_processes_worth_of_streams_lose_nothing(opening, fitted, store, url, hourly):
    rows = hourly.filter(unique_id="a").to_dicts()
    lives, failed = [StoredStream(fitted.model_, opening(url)) for _ in range(2)], []
    lives[0].update(rows[0])

    def write(live, own, private):
        try:
            for row in own:
                live.update([row, row | {"unique_id": private}])
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=write, args=(live, rows[1 + k : 41 : 2], f"own{k}")) for k, live in enumerate(lives)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    memory = fitted.stream()
    wanted = memory.update(rows[:41])[-1]
    assert same(lives[0].forecast("a"), wanted)


@pytest.mark.timeout(600)
def test_kill_9_at_any_moment_loses_nothing_acknowledged(opening, fitted, url, tmp_path, rng):
    fitted.save(tmp_path / "model.safetensors")
    command = [sys.executable, "-m", "tests.store.acknowledging", tmp_path / "model.safetensors", url, "3"]
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            told = [process.stdout.readline()]
            try:
                process.wait(rng.uniform(0, 0.2))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            told += process.stdout.readlines()
        last = int(told[-1])
        live = StoredStream(fitted.model_, opening(url))
        there = live.latest("s0")
        assert there in (last, last + 1)
        assert {live.latest("s1"), live.latest("s2")} == {there}
        live.store.close()
    memory = fitted.stream()
    for series in range(3):
        wanted = memory.update([row_of(step, series) for step in range(1, there + 1)])[-1]
        assert same(live.forecast(f"s{series}"), wanted)

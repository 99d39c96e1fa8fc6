import asyncio
import json
import shutil
import signal
import threading
import time
from urllib.parse import quote

import httpx
import pytest

from grucast import GRUForecaster, TrainingConfig
from grucast.server import ServerSettings, create_app
from grucast.server.streams import FOLLOWERS
from tests.conftest import TINY
from tests.server.conftest import Running, make_series

SERIES = "a/b ü%?\x00'"


@pytest.fixture(scope="module")
def keeping(folder, tmp_path_factory):
    """A server with a store."""
    path = tmp_path_factory.mktemp("kept") / "streams.db"
    running = Running(folder, "body=2_000_000, seconds=5.0, grace=0.2, series=60", store=f"sqlite:///{path}")
    yield running
    assert running.end() == 0


@pytest.fixture
def streams(keeping):
    """A client of it, which finds no series."""
    for own in keeping.client.get("/v1/streams", params={"limit": 1000}).json()["streams"]:
        assert keeping.client.delete(f"/v1/streams/{quote(own['series'], safe='')}").json()["deleted"]
    return keeping.client


def rows_of(seed=1, steps=100):
    """Observations as clients send them."""
    return [{"ds": row["ds"].isoformat(sep=" "), "y": row["y"]} for row in make_series(seed, steps).to_dicts()]


def post(client, series, body, **params):
    return client.post(f"/v1/streams/{quote(series, safe='')}/observations", json=body, params=params)


def wanted(model, rows, series="a"):
    """The forecast of a stream in memory after these rows, as JSON has it."""
    forecast = model.stream().update([{"unique_id": series} | row for row in rows])[-1]
    names = list(forecast)[2:]
    ds = [str(time).replace("T", " ") for time in forecast["ds"].astype("datetime64[s]")]
    return {"ds": ds} | {name: [float(x) for x in forecast[name]] for name in names}


def test_one_by_one_and_many_at_once_have_the_bits_of_a_stream_in_memory(streams, model):
    rows = rows_of()
    one = [post(streams, "one", row).json() for row in rows][-1]
    many = post(streams, "many", rows).json()
    assert one["forecast"] == many["forecast"] == wanted(model, rows)
    assert (one["observations"], many["observations"]) == (1, len(rows))
    stored = streams.get("/v1/streams/many/forecast").json()
    observed = stored.pop("observed")
    assert stored == {"model": "small", "series": "many", "sequence": None, "forecast": many["forecast"]}
    assert observed["y"][-3:] == [row["y"] for row in rows][-3:]
    assert observed["ds"][-1] == str(rows[-1]["ds"]).replace("T", " ")


def test_any_text_is_a_name_with_slashes_too_and_no_name_reaches_another(streams, model):
    names, rows = [SERIES, "a", "a/forecast", "events", "a/observations", " ", "...", "A"], {}
    for place, name in enumerate(names):
        rows[name] = rows_of(place, 50 + place)
        assert post(streams, name, rows[name]).json()["series"] == name
    for name in names:
        found = streams.get(f"/v1/streams/{quote(name, safe='')}/forecast").json()
        assert found["forecast"] == wanted(model, rows[name])
    held = streams.get("/v1/streams").json()["streams"]
    assert {own["series"] for own in held} == set(names)


@pytest.mark.parametrize("name", ["%FF", "%C3%28", "x" * 1001, "%0A", ".."])
def test_what_is_no_name_is_refused(streams, name):
    answer = streams.post(f"/v1/streams/{name}/observations", json=rows_of()[0])
    assert answer.status_code in {404, 422}
    assert answer.json().keys() == {"error"}


def test_the_same_number_gives_the_same_answer_and_an_older_one_is_a_conflict(streams):
    rows = rows_of()
    first = post(streams, "a", [*rows[:60], rows[60] | {"y": 1e3}], sequence=7)
    again = post(streams, "a", [*rows[:60], rows[60] | {"y": 1e3}], sequence=7)
    assert first.json()["alarm"]
    assert first.json() == again.json()
    assert len(streams.get("/v1/streams/a/events").json()["alarms"]) == len(first.json()["alarms"])
    for row, number in ((rows[61], 6), (rows[61], 7), (rows[60], 7)):
        assert post(streams, "a", row, sequence=number).status_code == 409
    assert streams.get("/v1/streams/a/forecast").json()["sequence"] == 7


def test_an_alarm_is_told_listed_and_counted(streams):
    rows = rows_of()
    before = post(streams, "a", rows[:60]).json()
    quiet = rows[60] | {"y": before["forecast"]["GRU"][0]}
    answer = post(streams, "a", quiet).json()
    assert (answer["alarm"], answer["alarms"]) == (False, [])
    lo, hi = (answer["forecast"][f"GRU-{side}-95"][0] for side in ("lo", "hi"))
    loud = post(streams, "a", rows[61] | {"y": 1e3}).json()
    alarm = {"ds": rows[61]["ds"], "y": 1e3, "lo": lo, "hi": hi}
    assert loud["alarm"]
    assert loud["alarms"] == [alarm]
    assert streams.get("/v1/streams/a/events", params={"limit": 1}).json()["alarms"] == [alarm]
    (own,) = streams.get("/v1/streams").json()["streams"]
    assert own == {"series": "a", "sequence": None, "ds": rows[61]["ds"], "alarm": alarm}
    assert 'grucast_stream_alarms_total{model="small"}' in streams.get("/metrics").text


def test_series_are_listed_page_by_page(streams):
    names = [f"s{number:02}" for number in range(7)]
    for name in names:
        post(streams, name, rows_of()[0])
    found, after = [], None
    while after or not found:
        page = streams.get("/v1/streams", params={"limit": 3} | ({"after": after} if after else {})).json()
        assert len(page["streams"]) <= 3
        found += [own["series"] for own in page["streams"]]
        after = page["next"]
    assert found == names
    assert streams.get("/v1/streams", params={"after": "nothing"}).status_code == 422


def test_alarms_come_as_server_sent_events_and_after_the_last_that_was_seen(keeping, streams):
    rows, found = rows_of(), []
    post(streams, "a", rows[:60])
    post(streams, "a", rows[60] | {"y": 1e3})

    def listen(**headers):
        headers |= {"accept": "text/event-stream"}
        with httpx.stream("GET", f"{streams.base_url}/v1/streams/a/events", headers=headers, timeout=10) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                found.append(line)
                if line.startswith("data: ") and '"ds":"' + rows[61]["ds"] in line:
                    return

    listening = threading.Thread(target=listen)
    listening.start()
    while not any(line.startswith("data") for line in found):
        time.sleep(0.05)
    post(streams, "a", rows[61] | {"y": 2e3})
    listening.join(10)
    told = [json.loads(line[6:]) for line in found if line.startswith("data: ")]
    assert told == streams.get("/v1/streams/a/events").json()["alarms"]
    *_, first, _ = (line[4:] for line in found if line.startswith("id: "))
    found.clear()
    listen(**{"last-event-id": first})
    assert [json.loads(line[6:])["y"] for line in found if line.startswith("data: ")] == [2e3]


def test_who_follows_alarms_is_let_go_when_the_server_ends(folder, tmp_path):
    running = Running(folder, "grace=0.2", store=f"sqlite:///{tmp_path / 'streams.db'}")
    try:
        with running.client.stream("GET", "/v1/streams/a/events", headers={"accept": "text/event-stream"}) as answer:
            running.process.send_signal(signal.SIGTERM)
            assert list(answer.iter_lines()) == []
        assert running.process.wait(5) == 0
    finally:
        running.end()


def test_beyond_some_followers_others_are_told_to_come_again(folder, tmp_path):
    store = f"sqlite:///{tmp_path / 'streams.db'}"
    app = create_app(ServerSettings({"small": folder / "small.safetensors"}, store=store))
    app.app.state.streams.followers = FOLLOWERS

    async def ask(accept):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.get("/v1/streams/a/events", headers={"accept": accept})

    refused = asyncio.run(ask("text/event-stream"))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert asyncio.run(ask("*/*")).status_code == 200
    app.app.state.streams.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        {"y": 1.0},
        {"ds": "2024-02-20 00:00"},
        {"ds": "x", "y": 1.0},
        {"ds": True, "y": 1.0},
        {"ds": 2**70, "y": 1.0},
        {"ds": 7, "y": 1.0},
        {"ds": "2024-02-20 00:00", "y": "1"},
        {"ds": "2024-02-20 00:00", "y": 1e200},
        {"ds": "2024-02-20 00:00", "y": [1.0]},
        {"ds": "2024-02-20 00:00", "y": 1.0, "unique_id": "another"},
        {"ds": "2024-02-20 00:00", "y": 1.0, "price": [1]},
        {"ds": "2024-02-20 00:30", "y": 1.0, "future": {"price": {}}},
        "text",
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_of_it_is_kept(streams, model, wrong):
    rows = rows_of()
    good = [rows[0], *([wrong] if isinstance(wrong, dict) else [])]
    for body in (wrong, good):
        answer = post(streams, "a", body)
        if body == good == [rows[0]]:
            continue
        assert answer.status_code == 422, answer.text
        assert answer.json().keys() == {"error"}
    assert post(streams, "a", rows).json()["forecast"] == wanted(model, rows)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_numbers_that_json_or_doubles_do_not_have_are_refused(streams, number):
    body = f'{{"ds": "2024-02-20 00:00", "y": {number}}}'
    headers = {"content-type": "application/json"}
    assert streams.post("/v1/streams/a/observations", content=body, headers=headers).status_code == 422
    assert streams.get("/v1/streams/a/forecast").status_code == 404


def test_a_missing_value_is_null_and_has_no_forecast_where_nothing_is_known(streams):
    answer = post(streams, "a", {"ds": "2024-02-20 00:00", "y": None})
    assert answer.status_code == 200
    assert answer.json()["forecast"] is None
    assert streams.get("/v1/streams/a/forecast").json()["forecast"] is None


def test_series_are_capped(streams):
    rows = rows_of()
    codes = [post(streams, f"s{number}", rows[0]).status_code for number in range(62)]
    assert codes == [200] * 60 + [429] * 2
    assert post(streams, "s3", rows[1]).status_code == 200


def test_deleted_is_gone(streams):
    post(streams, "a", rows_of())
    assert streams.delete("/v1/streams/a").json() == {"model": "small", "series": "a", "deleted": True}
    assert streams.delete("/v1/streams/a").json()["deleted"] is False
    assert streams.get("/v1/streams/a/forecast").status_code == 404
    assert streams.get("/v1/streams/a/events").json()["alarms"] == []


def test_without_a_store_the_answer_says_what_to_do(client):
    for answer in (client.get("/v1/streams"), post(client, "a", rows_of()[0])):
        assert answer.status_code == 409
        assert "--store" in answer.json()["error"]


def test_a_model_that_is_loaded_again_has_series_of_its_own(folder, tmp_path, model):
    shutil.copy(folder / "small.safetensors", tmp_path / "small.safetensors")
    running = Running(tmp_path, "grace=0.0", store=f"sqlite:///{tmp_path / 'streams.db'}")
    rows = rows_of()
    try:
        before = post(running.client, "a", rows).json()["forecast"]
        other = GRUForecaster(6, 48, 24, network=TINY["network"], training=TrainingConfig(max_steps=1))
        other.fit(make_series(9)).save(tmp_path / "small.safetensors")
        while running.client.get("/v1/streams/a/forecast").status_code == 200:
            time.sleep(0.1)
        assert post(running.client, "a", rows).json()["forecast"] == wanted(other, rows) != before
        shutil.copy(folder / "small.safetensors", tmp_path / "small.safetensors")
        while (found := running.client.get("/v1/streams/a/forecast").json()["forecast"]) == wanted(other, rows):
            time.sleep(0.1)
        assert found == before == wanted(model, rows)
    finally:
        assert running.end() == 0

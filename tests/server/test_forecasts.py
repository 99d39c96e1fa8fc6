import io

import polars as pl
import pytest

from tests.server.conftest import make_series

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
HISTORY = pl.concat([make_series(1), make_series(7)])


def as_json(frame):
    return frame.with_columns(pl.col("ds").dt.to_string("iso")).to_dict(as_series=False)


def written(write):
    target = io.BytesIO()
    write(target)
    return target.getvalue()


@pytest.mark.parametrize("rows", [False, True])
def test_json_gives_the_numbers_of_predict(client, model, rows):
    data = as_json(HISTORY)
    body = {"data": pl.DataFrame(data).to_dicts() if rows else data, "level": [50]}
    answer = client.post("/v1/forecast", json=body).json()
    want = model.predict(HISTORY, level=(50,))
    assert answer["model"] == "small"
    assert answer["forecast"]["unique_id"] == want["unique_id"].to_list()
    for name in want.columns[2:]:
        assert answer["forecast"][name] == want[name].to_list()


@pytest.mark.parametrize(
    ("kind", "write", "read"),
    [
        ("text/csv", HISTORY.write_csv, lambda body: pl.read_csv(body, try_parse_dates=True)),
        (PARQUET, HISTORY.write_parquet, pl.read_parquet),
        (ARROW, HISTORY.write_ipc_stream, pl.read_ipc_stream),
    ],
)
def test_table_gives_a_table_of_its_kind_with_the_numbers_of_predict(client, model, kind, write, read):
    answer = client.post("/v1/forecast", params={"level": "80"}, content=written(write), headers={"content-type": kind})
    assert answer.headers["content-type"].startswith(kind)
    found = read(io.BytesIO(answer.content))
    assert found.select(pl.exclude("ds")).equals(model.predict(HISTORY, level=(80,)).select(pl.exclude("ds")))


def test_accept_chooses_the_kind_of_the_answer(client):
    headers = {"content-type": PARQUET, "accept": "application/json"}
    answer = client.post("/v1/forecast", content=written(HISTORY.write_parquet), headers=headers).json()
    assert len(answer["forecast"]["GRU"]) == 12


def test_what_is_not_a_number_is_null(client):
    silent = HISTORY.with_columns(y=pl.when(pl.col("unique_id") == "s1").then(None).otherwise("y"))
    answer = client.post("/v1/forecast", json={"data": as_json(silent)})
    assert answer.json()["forecast"]["GRU"][:6] == [None] * 6


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "data"),
        ({"data": {"unique_id": ["a"], "ds": ["2024-01-01"]}}, "no column is left"),
        ({"data": {"a": [1, 2], "b": [1]}}, "table"),
        ({"data": as_json(HISTORY), "level": [101]}, "level"),
        ({"data": as_json(HISTORY), "level": []}, ""),
        ({"data": as_json(HISTORY), "nope": 1}, "nope"),
        ({"data": []}, ""),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(client, body, says):
    answer = client.post("/v1/forecast", json=body)
    assert 400 <= answer.status_code < 500 or body.get("level") == []
    assert says in answer.text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(client, number):
    body = f'{{"data": {{"unique_id": ["a"], "ds": ["2024-01-01"], "y": [{number}]}}}}'
    assert client.post("/v1/forecast", content=body, headers={"content-type": "application/json"}).status_code == 422


@pytest.mark.parametrize("start", ['{"data": ', "[", '{"data": {"y": '])
def test_deep_bodies_are_refused(client, start):
    body = start + "[" * 50_000 + "]" * 50_000
    assert client.post("/v1/forecast", content=body, headers={"content-type": "application/json"}).status_code == 400


@pytest.mark.parametrize("kind", ["text/csv", PARQUET, ARROW])
@pytest.mark.parametrize("body", [b"", b"PAR1", b"\xff" * 5000, b"ARROW1\0\0" + b"\0" * 99, b"a\n" * 9999])
def test_damaged_tables_are_refused(client, kind, body):
    answer = client.post("/v1/forecast", content=body, headers={"content-type": kind})
    assert answer.status_code == 422, answer.text


def test_other_kinds_of_bodies_are_named(client):
    answer = client.post("/v1/forecast", content=b"x", headers={"content-type": "application/x-pickle"})
    assert answer.status_code == 415
    assert "text/csv" in answer.json()["error"]


@pytest.mark.parametrize(
    "written",
    [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S%.3f",
        "%d.%m.%Y %H:%M",
        "%d %b %Y %H:%M:%S",
    ],
)
def test_time_stamps_mean_the_same_however_they_are_written(client, model, written):
    data = HISTORY.with_columns(pl.col("ds").dt.strftime(written)).to_dict(as_series=False)
    answer = client.post("/v1/forecast", json={"data": data}).json()["forecast"]
    assert answer["GRU"] == model.predict(HISTORY)["GRU"].to_list()
    assert answer["ds"][0].startswith("2024-03-03 12:00:00")


@pytest.mark.parametrize(
    "wrong", ["2024-02-30 00:00", "2024-02-20 25:00", "2024-13-01 00:00", "x", "2024-02-20 00:00Z"]
)
def test_one_wrong_time_stamp_is_refused_by_name(client, wrong):
    data = as_json(HISTORY)
    data["ds"] = [text[:16] for text in data["ds"]]
    data["ds"][5] = wrong
    answer = client.post("/v1/forecast", json={"data": data})
    assert answer.status_code == 422
    assert wrong in answer.json()["error"] or "ds" in answer.json()["error"]


def test_models_are_listed_with_what_they_need(client):
    (small,) = client.get("/v1/models").json()["models"]
    assert (small["name"], small["h"], small["input_size"], small["frequency"]) == ("small", 6, 48, "h")


@pytest.mark.parametrize(
    "name", ["../small", "small.safetensors", "/etc/passwd", "..%2fsmall", "%00", "\uff53mall", ""]
)
def test_only_names_of_the_start_are_models(client, name):
    answer = client.post("/v1/forecast", json={"data": as_json(HISTORY), "model": name})
    assert answer.status_code == 404
    assert client.get(f"/v2/models/{name}/ready").status_code == 404 or not name

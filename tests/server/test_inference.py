from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import polars as pl
import pytest
import tritonclient.http as triton

from tests.server.conftest import make_series

HISTORY = make_series(3)
END = int(HISTORY["ds"].dt.timestamp("us")[-1])
GRID = HISTORY.upsample("ds", every="1h").tail(100)["y"].to_numpy()


def tensor(name="y", shape=(1, 100), datatype="FP64", data=None):
    return {"name": name, "shape": list(shape), "datatype": datatype, "data": data}


def body(y=None, ds=None, **more):
    values = [None if np.isnan(x) else x for x in GRID]
    return {"inputs": [y or tensor(data=values), ds or tensor("ds", (1,), "INT64", [END])], **more}


@pytest.mark.parametrize("binary", [True, False])
def test_stock_client_of_triton_gets_the_numbers_of_predict(server, model, binary):
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("small", "1")
    shapes = {output["name"]: output["shape"] for output in client.get_model_metadata("small")["outputs"]}
    assert shapes["GRU-lo-80"] == [-1, 6]
    y, ds = triton.InferInput("y", [1, 100], "FP64"), triton.InferInput("ds", [1], "INT64")
    y.set_data_from_numpy(GRID[None], binary_data=True)
    ds.set_data_from_numpy(np.array([END]), binary_data=binary)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("GRU", "GRU-hi-95", "ds")]
    answer, want = client.infer("small", [y, ds], outputs=wanted, request_id="7"), model.predict(HISTORY)
    assert answer.get_response()["id"] == "7"
    for name in ("GRU", "GRU-hi-95"):
        np.testing.assert_array_equal(answer.as_numpy(name)[0], want[name])
    np.testing.assert_array_equal(answer.as_numpy("ds")[0], want["ds"].dt.timestamp("us"))
    client.close()


def test_json_takes_flat_and_nested_data(client, model):
    flat = client.post("/v2/models/small/infer", json=body()).json()
    nested = body(tensor(data=[body()["inputs"][0]["data"]]))
    assert client.post("/v2/models/small/infer", json=nested).json() == flat
    medians = next(output for output in flat["outputs"] if output["name"] == "GRU")
    assert medians["data"] == model.predict(HISTORY)["GRU"].to_list()


def test_requests_at_once_have_the_bits_that_each_has_alone(server, model):
    series = {seed: make_series(seed) for seed in range(40)}

    def ask(seed):
        frame = series[seed].with_columns(pl.col("ds").dt.to_string("iso"))
        with httpx.Client(base_url=str(server.client.base_url), timeout=30) as own:
            return own.post("/v1/forecast", json={"data": frame.to_dict(as_series=False)}).json()["forecast"]

    with ThreadPoolExecutor(20) as pool:
        found = dict(zip(series, pool.map(ask, series), strict=True))
    for seed, frame in series.items():
        assert set(found[seed]["unique_id"]) == {f"s{seed}"}
        assert found[seed]["GRU"] == model.predict(frame)["GRU"].to_list()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"inputs": []},
        {"inputs": [tensor(data=[1.0] * 100)]},
        body(tensor(data=[1.0] * 99)),
        body(tensor(shape=(1, 0), data=[])),
        body(tensor(shape=(-1, -100), data=[1.0] * 100)),
        body(tensor(shape=(2**63, 2), data=[1.0])),
        body(tensor(shape=(1, 10, 10), data=[1.0] * 100)),
        body(tensor(datatype="BYTES", data=["x"] * 100)),
        body(tensor(data=["1"] * 100)),
        body(tensor(data=[True] * 100)),
        body(tensor(data=[[1.0], 2.0])),
        body(tensor(data=[None] * 100)),
        body(ds=tensor("ds", (1,), "INT64", [2**62])),
        body(ds=tensor("ds", (1,), "INT64", [2**70])),
        body(ds=tensor("ds", (1,), "INT64", [None])),
        body(ds=tensor("ds", (1,), "FP64", [1.0])),
        body(outputs=[{"name": "nope"}]),
        body(tensor(data=None)),
    ],
)
def test_tensors_that_are_not_what_they_say_are_refused(client, wrong):
    answer = client.post("/v2/models/small/infer", json=wrong)
    assert 400 <= answer.status_code < 500
    assert answer.json().keys() == {"error"}


@pytest.mark.parametrize("length", ["-1", "x", "10", "99999999"])
def test_lengths_of_binary_bodies_that_lie_are_refused(client, length):
    headers = {"Inference-Header-Content-Length": length, "content-type": "application/octet-stream"}
    assert 400 <= client.post("/v2/models/small/infer", content=b'{"inputs": []}', headers=headers).status_code < 500

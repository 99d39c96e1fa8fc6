import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.server.conftest import Running, make_series

ROWS = make_series(3).upsample("ds", every="1h").tail(60).select("ds", "y")
TIMES, VALUES = ROWS["ds"].dt.timestamp("us").to_numpy(), ROWS["y"].to_numpy()


@pytest.fixture(scope="module")
def keeping(folder, tmp_path_factory):
    """A server with a store of few series."""
    path = tmp_path_factory.mktemp("sequences") / "streams.db"
    running = Running(folder, "grace=0.2, series=5", store=f"sqlite:///{path}")
    yield running
    assert running.end() == 0


@pytest.fixture
def infer(keeping):
    """Send steps of the series to a sequence; the answer's arrays by name."""
    with triton.InferenceServerClient(f"127.0.0.1:{keeping.port}") as client:

        def send(first, last, **where):
            y, ds = triton.InferInput("y", [1, last - first], "FP64"), triton.InferInput("ds", [1], "INT64")
            y.set_data_from_numpy(VALUES[None, first:last])
            ds.set_data_from_numpy(TIMES[last - 1 : last])
            answer = client.infer("small", [y, ds], **where)
            return {name: answer.as_numpy(name) for name in ("ds", "GRU", "GRU-lo-80")}

        yield send


def wanted(model, first, last):
    """What a stream in memory forecasts after these steps."""
    rows = [{"ds": time, "y": y} for time, y in ROWS[first:last].iter_rows()]
    forecast = model.stream().update(rows)[-1]
    return {"ds": forecast["ds"].astype(np.int64)} | {name: forecast[name] for name in ("GRU", "GRU-lo-80")}


def same(found, other):
    return all(np.array_equal(found[name][0], other[name]) for name in other)


@pytest.mark.parametrize("name", [7, "pump 7/ü", 2**64 - 1])
def test_stock_client_of_triton_goes_on_from_what_it_sent_before(infer, model, keeping, name):
    assert "sequence" in keeping.client.get("/v2").json()["extensions"]
    assert same(infer(0, 30, sequence_id=name, sequence_start=True), wanted(model, 0, 30))
    for step in range(30, 40):
        assert same(infer(step, step + 1, sequence_id=name), wanted(model, 0, step + 1))
    assert same(infer(40, 41, sequence_id=name, sequence_start=True), wanted(model, 40, 41))
    assert same(infer(41, 42, sequence_id=name, sequence_end=True), wanted(model, 40, 42))
    with pytest.raises(InferenceServerException, match="has not begun"):
        infer(42, 43, sequence_id=name)


def test_sequences_are_apart_and_a_request_without_one_is_by_itself(infer, model):
    for number in (1, 2, 3):
        infer(8 * number, 30, sequence_id=number, sequence_start=True)
    for number in (3, 1, 2):
        assert same(infer(30, 31, sequence_id=number), wanted(model, 8 * number, 31))
    assert same(infer(20, 31), wanted(model, 20, 31))
    for number in (1, 2, 3):
        infer(31, 32, sequence_id=number, sequence_end=True)


def test_sequences_are_capped(infer):
    for number in range(1, 6):
        infer(0, 1, sequence_id=number, sequence_start=True)
    with pytest.raises(InferenceServerException, match="takes 5") as caught:
        infer(0, 1, sequence_id=6, sequence_start=True)
    assert "429" in caught.value.status()
    for number in range(1, 6):
        infer(1, 2, sequence_id=number, sequence_end=True)


def test_where_nothing_is_known_the_answer_is_null(keeping):
    inputs = [
        {"name": "y", "shape": [1, 1], "datatype": "FP64", "data": [None]},
        {"name": "ds", "shape": [1], "datatype": "INT64", "data": [int(TIMES[0])]},
    ]
    where = {"sequence_id": "empty", "sequence_start": True, "sequence_end": True}
    answer = keeping.client.post("/v2/models/small/infer", json={"inputs": inputs, "parameters": where})
    found = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    assert found["GRU"] == [None] * 6
    assert found["ds"] == [int(TIMES[0]) + 3600 * 10**6 * step for step in range(1, 7)]


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ({"sequence_id": 9}, 400),
        ({"sequence_id": 1.5, "sequence_start": True}, 400),
        ({"sequence_id": True, "sequence_start": True}, 400),
        ({"sequence_id": "x", "sequence_start": "yes"}, 400),
        ({"sequence_id": "x" * 2000, "sequence_start": True}, 422),
    ],
)
def test_what_is_no_place_in_a_sequence_is_refused(keeping, client, where, status):
    inputs = [
        {"name": "y", "shape": [1, 1], "datatype": "FP64", "data": [1.0]},
        {"name": "ds", "shape": [1], "datatype": "INT64", "data": [0]},
    ]
    body = {"inputs": inputs, "parameters": where}
    assert keeping.client.post("/v2/models/small/infer", json=body).status_code == status
    two = [inputs[0] | {"shape": [2, 1], "data": [1.0, 2.0]}, inputs[1] | {"shape": [2], "data": [0, 0]}]
    begun = {"inputs": two, "parameters": {"sequence_id": 9, "sequence_start": True}}
    assert keeping.client.post("/v2/models/small/infer", json=begun).status_code == 422
    without = client.post("/v2/models/small/infer", json={"inputs": inputs, "parameters": {"sequence_id": 9}})
    assert (without.status_code, "--store" in without.text) == (409, True)

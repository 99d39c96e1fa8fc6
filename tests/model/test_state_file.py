"""A stream's state comes back as it was, and a file that is anything else is refused."""

import json
import math
import os

import numpy as np
import pytest
from safetensors.numpy import load, save
from tests.conftest import TINY

from grucast import Covariates, GRUForecaster
from grucast.errors import DataError, GrucastError, ModelFileError
from grucast.model import header
from grucast.model.states import ARRAYS


@pytest.fixture
def shop(hourly):
    return hourly.with_row_index("price").with_columns(
        sky=hourly["y"].round(0).cast(str), size=hourly["unique_id"].replace_strict({"a": 1.0, "b": 2.0})
    )


@pytest.fixture
def priced(shop):
    covariates = Covariates(past=("price", "sky"), static=("size",))
    return GRUForecaster(h=6, input_size=48, season_length=24, covariates=covariates, **TINY).fit(shop)


@pytest.fixture
def state(priced, shop, tmp_path):
    stream = priced.stream()
    stream.update_many(shop.head(940))
    stream.save(tmp_path / "state")
    return tmp_path / "state"


def test_a_stream_goes_on_after_a_load_with_the_same_bits(priced, shop, state):
    stream = priced.stream()
    stream.update({"unique_id": "forgotten", "ds": "2024-01-01", "y": 1.0, "price": 1, "sky": "10.0", "size": 1.0})
    stream.load(state)
    assert stream.update_many(shop.tail(20)).equals(priced.predict(shop).tail(6))
    assert list(stream.states.row) == ["a", "b"]
    stream.update(shop.to_dicts()[0] | {"unique_id": "new"})
    assert len(stream.states) == 3


@pytest.mark.parametrize("ids", [["[[{", "ünï\n"], [1, 2**70], ["1", 1]])
def test_any_names_come_back(fitted, tmp_path, ids):
    stream = fitted.stream()
    stream.update([{"unique_id": name, "ds": "2024-01-01", "y": 1.0} for name in ids])
    stream.save(tmp_path / "state")
    again = fitted.stream()
    again.load(tmp_path / "state")
    assert list(again.states.row) == ids


def test_an_empty_stream_comes_back_empty(fitted, tmp_path):
    fitted.stream().save(tmp_path / "state")
    stream = fitted.stream()
    stream.load(tmp_path / "state")
    assert len(stream.states) == 0
    assert stream.update({"ds": "2024-01-01", "y": 1.0})["GRU"].shape == (6,)


def test_names_that_json_has_not_are_refused_before_anything_is_written(fitted, tmp_path):
    stream = fitted.stream()
    stream.states.rows([("a", 1)], np.array(["2024-01-01"], "M8[us]"))
    with pytest.raises(DataError, match="name series by text or integers"):
        stream.save(tmp_path / "state")
    assert not list(tmp_path.iterdir())


def test_the_state_of_another_model_is_refused(fitted, priced, hourly, state, tmp_path):
    with pytest.raises(ModelFileError, match="another model's"):
        fitted.stream().load(state)
    priced.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="not the state of a stream"):
        priced.stream().load(tmp_path / "model")
    with pytest.raises(GrucastError):
        priced.stream().load(tmp_path / "absent")


def changed(content, **arrays):
    """The file with other arrays."""
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return save({k: v for k, v in (load(content) | arrays).items() if v is not None}, metadata)


@pytest.mark.parametrize("price", [1e30, -1e30, None])
def test_whatever_a_stream_takes_it_saves_and_loads(priced, shop, tmp_path, price):
    row = shop.to_dicts()[0] | {"size": 1e30}
    stream, again = priced.stream(), priced.stream()
    for name, ds, y in (
        ("9" * 10**6, "9999-12-30", 1e100),
        (-(2**900), "0001-01-01", -1e100),
        ("ü\x00\n", "2024-01-01", None),
    ):
        stream.update(row | {"unique_id": name, "ds": ds, "y": y, "price": price})
    stream.save(tmp_path / "state")
    again.load(tmp_path / "state")
    assert again.states.ids == stream.states.ids
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(again.states, name)[:3], getattr(stream.states, name)[:3])


def test_state_without_what_was_negative_tells_it_from_its_windows(fitted, tmp_path):
    stream = fitted.stream()
    rows = [{"unique_id": name, "ds": "2024-01-01", "y": y} for name, y in (("a", -1.0), ("b", 1.0), ("c", None))]
    stream.update(rows)
    stream.save(tmp_path / "state")
    content = changed((tmp_path / "state").read_bytes(), nonnegative=None)
    (tmp_path / "state").write_bytes(content)
    stream.load(tmp_path / "state")
    assert stream.states.nonnegative[:3].tolist() == [False, True, True]


BAD = {
    "an infinite value": {"values": np.full((2, 48), np.inf)},
    "a number of steps below one": {"lengths": np.array([1, -5])},
    "a time beyond the largest": {"starts": np.full(2, 2**62 + 1)},
    "the lowest time": {"starts": np.full(2, -(2**63))},
    "the year 10000": {"starts": np.full(2, 253402300800 * 10**6)},
    "half a character": {"ids": np.frombuffer(b'["\\ud800", "b"]', np.uint8)},
    "too many steps": {"lengths": np.array([1, 2**60])},
    "a category that is not there": {"codes": np.full((2, 48, 1), 2**30, np.int32)},
    "a category below none": {"codes": np.full((2, 48, 1), -1, np.int32)},
    "a truth of no kind": {"nonnegative": np.array([2, 0], np.uint8).view(bool)},
    "fewer names": {"ids": np.frombuffer(b'["a"]', np.uint8)},
    "one name twice": {"ids": np.frombuffer(b'["a", "a"]', np.uint8)},
    "names of no kind": {"ids": np.frombuffer(b"[null, 1.5]", np.uint8)},
    "names that are no JSON": {"ids": np.frombuffer(b"[" * 10**5, np.uint8)},
    "names that are no text": {"ids": np.frombuffer(b"\xff\xff", np.uint8)},
    "a window of another length": {"values": np.zeros((2, 47))},
    "another type": {"numbers": np.zeros((2, 48, 1))},
    "more series in one array": {"starts": np.zeros(3, np.int64)},
    "an array too many": {"other": np.zeros(1)},
    "an array too few": {"static_codes": None},
    "no lengths": {"lengths": None},
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_state_is_refused_and_the_stream_stays(priced, shop, state, name):
    stream = priced.stream()
    stream.update_many(shop)
    state.write_bytes(changed(state.read_bytes(), **BAD[name]))
    with pytest.raises(ModelFileError, match="state: "):
        stream.load(state)
    assert len(stream.states) == 2


def rewritten(content, rest, **tensors):
    """The file with other descriptions of tensors, and so many bytes for them."""
    length = int.from_bytes(content[:8], "little")
    text = json.dumps({**json.loads(content[8 : 8 + length]), **tensors}).encode()
    return len(text).to_bytes(8, "little") + text, 8 + len(text) + rest


def test_sparse_file_of_a_true_header_is_refused_before_it_is_read(priced, state):
    content, stream = state.read_bytes(), priced.stream()
    os.truncate(state, 200 * 2**30)
    with pytest.raises(ModelFileError, match="in a file that has 214,748"):
        stream.load(state)
    size, tensors = 0, {}
    for name, tensor in json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).items():
        if name != "__metadata__":
            shape = [10**8, *tensor["shape"][1:]]
            end = size + header.BYTES[tensor["dtype"]] * math.prod(shape)
            tensors[name], size = tensor | {"shape": shape, "data_offsets": [size, end]}, end
    text, total = rewritten(content, size, **tensors)
    state.write_bytes(text)
    os.truncate(state, total)
    assert total > 7 * 10**10
    with pytest.raises(ModelFileError, match="state: damaged: "):
        stream.load(state)


@pytest.mark.parametrize("tensor", [0, {}, {"dtype": "U8", "shape": "x", "data_offsets": 0}])
@pytest.mark.parametrize("name", ["ids", "lengths", "values"])
def test_description_that_is_none_is_refused(priced, state, name, tensor):
    text, _ = rewritten(state.read_bytes(), 0, **{name: tensor})
    state.write_bytes(text)
    with pytest.raises(ModelFileError, match="state: "):
        priced.stream().load(state)


@pytest.mark.parametrize("offsets", [0, [], ["0", 1], [-1, 9], [2**60, 2**61], [0.0, 9.0]])
def test_names_elsewhere_are_refused(priced, state, offsets):
    content = state.read_bytes()
    length = int.from_bytes(content[:8], "little")
    ids = json.loads(content[8 : 8 + length])["ids"] | {"data_offsets": offsets}
    text, _ = rewritten(content, 0, ids=ids)
    state.write_bytes(text + content[8 + length :])
    with pytest.raises(ModelFileError, match="state: damaged: "):
        priced.stream().load(state)


def test_every_truncation_is_refused(priced, state):
    content, stream = state.read_bytes(), priced.stream()
    for size in range(0, len(content), 61):
        state.write_bytes(content[:size])
        with pytest.raises(ModelFileError):
            stream.load(state)


def test_a_flipped_bit_is_refused_or_leaves_a_state_that_forecasts(priced, shop, state, rng):
    content = bytearray(state.read_bytes())
    for bit in rng.integers(8 * len(content), size=300):
        content[bit // 8] ^= 1 << bit % 8
        state.write_bytes(content)
        content[bit // 8] ^= 1 << bit % 8
        stream = priced.stream()
        try:
            stream.load(state)
        except ModelFileError:
            continue
        window = stream.states.window(np.arange(len(stream.states)), 6)
        assert np.isfinite(priced.model_.forecast_window(window, (80.0,))).all()


def test_a_folder_that_is_not_there_is_an_error(fitted, tmp_path):
    with pytest.raises(GrucastError, match="cannot write"):
        fitted.stream().save(tmp_path / "none" / "state")

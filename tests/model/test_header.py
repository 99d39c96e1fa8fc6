import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from grucast.model import header
from grucast.model.header import parse, read_header, require_filled

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


def header_of(path):
    with path.open("rb") as file:
        return read_header(file)


@settings(max_examples=50)
@given(JSON)
def test_strict_json_is_json(value):
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "c": 2, "a": 3}}]', "NaN", "[-Infinity]", "[1,]", "", "9" * 5000]
)
def test_what_is_not_strict_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_header_is_what_safetensors_wrote(tmp_path, rng):
    tensors = {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=4)}
    (tmp_path / "x").write_bytes(save(tensors, metadata={"one": "ü"}))
    found = header_of(tmp_path / "x")
    assert found.metadata == {"one": "ü"}
    assert {name: tensor["shape"] for name, tensor in found.tensors.items()} == {"a": [2, 3], "b": [4]}


def test_file_without_metadata_has_none(tmp_path):
    (tmp_path / "x").write_bytes(struct.pack("<Q", 2) + b"{}")
    assert header_of(tmp_path / "x") == ({}, {}, 0)


def test_largest_header_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(header, "LARGEST", 10)
    for size in (10, 11):
        (tmp_path / f"{size}").write_bytes(struct.pack("<Q", size) + b"{}".ljust(size))
    header_of(tmp_path / "10")
    with pytest.raises(ValueError, match="header of 11 bytes"):
        header_of(tmp_path / "11")


def test_tensors_must_be_all_that_the_file_holds(tmp_path, rng):
    path = tmp_path / "x"
    path.write_bytes(save({"a": rng.normal(size=(2, 3)), "b": rng.normal(size=4).astype(np.float32)}))
    require_filled(header_of(path))
    os.truncate(path, 200 * 2**30)
    with pytest.raises(ValueError, match=r"tensors of 64 bytes in a file that has 214,748,3\d\d,\d+ for them"):
        require_filled(header_of(path))


@pytest.mark.parametrize("depth", [32, 33, 900, 10**5])
@pytest.mark.parametrize("edges", [("[", "]"), ('{"a":', "}"), ("[\n", "]")])
def test_json_is_parsed_to_a_depth_and_refused_beyond_it(depth, edges):
    text = edges[0] * depth + "1" + edges[1] * depth
    if depth == 32:
        assert parse(text) == json.loads(text)
    else:
        with pytest.raises(ValueError, match=r"nested too deeply|more than 65536"):
            parse(text)

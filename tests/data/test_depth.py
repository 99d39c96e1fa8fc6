import json

import pytest

from grucast.data.depth import DEEPEST, is_deep


@pytest.mark.parametrize("depth", [1, DEEPEST, DEEPEST + 1, 1000, 10**6])
@pytest.mark.parametrize("edges", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_only_what_lies_too_deep_is_deep(depth, edges):
    text = edges[0] * depth + b"1" + edges[1] * depth
    for lines in (text, b'{"a": 1}\n' + text + b"\n{}", b"\n\n" * 2000 + text):
        assert is_deep(lines) == (depth > DEEPEST)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        json.dumps({"a": [[1, 2]] * 1000}).encode(),
        json.dumps({"[" * 50: "{" * 50, "\\": "[" * 50, '"': "[" * 50}).encode(),
        b"[\n" * 50,
        b'{"a": 1}\n' * 1000,
    ],
    ids=["nothing", "empty lines", "a wide one", "brackets in texts", "a bracket a line", "records"],
)
def test_what_is_wide_is_not_deep(text):
    assert not is_deep(text)

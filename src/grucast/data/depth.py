"""How deep JSON is, told without reading it: parsers need time and memory that grow much faster."""

import re
from io import BytesIO

import numpy as np

DEEPEST = 32  # brackets within each other; a table has two, and what lies deeper is not a value of it
STRINGS = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"')  # possessive, so that a long text takes no memory
BRACKETS = np.zeros(256, np.int8)
BRACKETS[[*b"[{"]], BRACKETS[[*b"]}"]] = 1, -1


def is_deep(text: bytes) -> bool:
    """Whether more than DEEPEST brackets lie within each other on a line of JSON, those in texts not counted.

    >>> is_deep(b"[" * 33), is_deep(b'"' + b"[" * 33 + b'"')
    (True, False)
    """
    if opened(text) < text.count(b"\n{") + DEEPEST:  # nearly all begin a line
        return False
    return any(opened(line) > DEEPEST and depth(STRINGS.sub(b"", line)) > DEEPEST for line in BytesIO(text))


def opened(text: bytes) -> int:
    """Brackets that open."""
    return text.count(b"[") + text.count(b"{")


def depth(line: bytes) -> int:
    """The most brackets within each other."""
    return int(BRACKETS[np.frombuffer(line, np.uint8)].cumsum(dtype=np.int64).max(initial=0))

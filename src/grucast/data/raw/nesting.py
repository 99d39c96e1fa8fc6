"""How deep the columns of a Parquet file are, told by its footer: polars follows them until its stack ends the process.

Source: github.com/apache/parquet-format, parquet.thrift; github.com/apache/thrift, thrift-compact-protocol.
"""

from collections.abc import Iterable, Iterator
from itertools import cycle, islice, repeat

SCHEMA, CHILDREN = 2, 5  # numbers of members: of the footer, of an element of its schema
FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # kinds of values whose size is known: truth values, bytes, doubles
INTEGERS, TEXT, LISTS, MAP, STRUCT = (4, 5, 6), 8, (9, 10), 11, 12


def parquet_depth(data: bytes) -> int:
    """How many records and lists lie within each other.

    Raises:
        ValueError, IndexError, RecursionError: The footer is damaged.
    """
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    at = next((at for number, _, at in members(data, max(footer, 0)) if number == SCHEMA), 0)
    count, _, at = list_head(data, at)
    left: list[int] = []  # of each record around: how many of its fields are still to come
    deepest = 0
    for _ in range(count):
        children = 0
        for number, _, place in members(data, at):
            children = varint(data, place)[0] >> 1 if number == CHILDREN else children
            at = place
        while left and not left[-1]:
            left.pop()
        if left:
            left[-1] -= 1
        if children:
            left.append(children)
        deepest = max(deepest, len(left))
    return deepest


def members(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The number, kind and place of each member of a struct; last, 0 and where it ends."""
    number = 0
    while head := data[at]:
        at += 1
        number += head >> 4
        if not head >> 4:
            value, at = varint(data, at)
            number = value >> 1
        yield number, head & 15, at
        at = skip(data, at, head & 15)
    yield 0, 0, at + 1


def skip(data: bytes, at: int, kind: int) -> int:
    """Where the value ends that begins at a place."""
    if kind in FIXED:
        return at + FIXED[kind]
    if kind == STRUCT:
        return max(place for *_, place in members(data, at))
    if kind in LISTS:
        count, kind, at = list_head(data, at)
        return skip_all(data, at, repeat(max(kind, 3), min(count, len(data))))  # truth values take a byte there
    value, at = varint(data, at)
    if kind in INTEGERS or (kind == MAP and not value):
        return at
    if kind == MAP:
        return skip_all(data, at + 1, islice(cycle((data[at] >> 4, data[at] & 15)), 2 * min(value, len(data))))
    if kind != TEXT:
        raise ValueError(f"a value of kind {kind}")
    return at + value


def skip_all(data: bytes, at: int, kinds: Iterable[int]) -> int:
    """Where values end that follow each other."""
    for kind in kinds:
        at = skip(data, at, kind)
    return at


def list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """How many values a list holds, their kind, and where they begin."""
    count, kind = data[at] >> 4, data[at] & 15
    if count < 15:
        return count, kind, at + 1
    count, at = varint(data, at + 1)
    return count, kind, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and where it ends."""
    value = shift = 0
    while data[at] > 127:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("an integer of more than 64 bits")
    return value | data[at] << shift, at + 1

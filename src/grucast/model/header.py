"""The beginning of a safetensors file: eight bytes of length, then JSON."""

import json
import os
from collections.abc import Sequence
from math import prod
from typing import Any, BinaryIO, NamedTuple

from grucast.data.depth import is_deep

LARGEST = 2**20  # bytes of header
MOST = 2**16  # lists and objects in it, each of which takes twenty times its two characters in memory
BYTES = {"F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}  # of a number, by the types that are known here
FOREIGN = {  # how files of other kinds begin
    b"PK\x03\x04": "a zip archive, such as torch.save and Keras write",
    b"\x80": "a pickle, which could run code",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, such as Keras writes",
    b"\x1f\x8b": "a gzip archive: unpack it",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x08": "perhaps an ONNX model",
}


class Header(NamedTuple):
    """What a safetensors file says of its content: the metadata, each tensor's description, and the bytes after it."""

    metadata: dict[str, Any]
    tensors: dict[str, Any]
    rest: int


def read_header(file: BinaryIO) -> Header:
    """Read the header of a safetensors file opened at its beginning, and nothing else.

    Raises:
        ValueError: It is no such file, or its header is damaged or too large.

    Source: github.com/huggingface/safetensors, Format.
    """
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    total = file.seek(0, os.SEEK_END)
    file.seek(len(start))
    require_header(start, length, total)
    header = parse((start[8:] + file.read(length - 1)).decode())
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("damaged: the header's metadata are no JSON object")
    return Header(metadata, header, total - 8 - length)


def require_entries(header: Header) -> None:
    """Refuse descriptions of tensors that are none."""
    for name, tensor in header.tensors.items():
        if not isinstance(tensor, dict) or tensor.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"tensor {name[:80]!r} must have dtype, shape and data_offsets, and nothing else")


def require_filled(header: Header) -> None:
    """Refuse tensors of known types and shapes that are not all that the file holds, before they are read."""
    sizes = sum(BYTES[tensor["dtype"]] * prod(tensor["shape"]) for tensor in header.tensors.values())
    if sizes != header.rest:
        raise ValueError(f"damaged: tensors of {sizes:,} bytes in a file that has {header.rest:,} for them")


def read_tensor(file: BinaryIO, header: Header, name: str) -> bytes:
    """What a tensor of one byte a number holds, without the others."""
    offsets, size = header.tensors[name]["data_offsets"], prod(header.tensors[name]["shape"])
    begin = offsets[0] if isinstance(offsets, list) and offsets else None
    if not (isinstance(begin, int) and 0 <= begin <= header.rest - size):
        raise ValueError(f"damaged: {name} lies beyond the end")
    file.seek(begin - header.rest, os.SEEK_END)
    return file.read(size)


def require_header(start: bytes, length: int, total: int) -> None:
    """Refuse what does not begin as a safetensors file does, or has an impossible header."""
    if not start:
        raise ValueError("the file is empty")
    if start[8:] != b"{":
        unknown = "text" if start.isascii() and min(start) > 8 else "of another kind"
        kind = next((kind for magic, kind in FOREIGN.items() if start.startswith(magic)), unknown)
        raise ValueError(f"not a safetensors file but {kind}, or damaged: give a file that save wrote")
    if not 2 <= length <= total - 8:
        raise ValueError(f"damaged: a header of {length} bytes in a file of {total}")
    if length > LARGEST:
        raise ValueError(f"a header of {length} bytes is more than the {LARGEST} of any model")


def parse(text: str, most: int = MOST) -> Any:
    """Read strict JSON: no name twice in an object, no NaN and no infinity.

    Raises:
        ValueError: It is not, or has too many lists and objects, or too many within each other.
    """
    if text.count("[") + text.count("{") > most:
        raise ValueError(f"damaged: JSON of more than {most} lists and objects")
    if is_deep(text.replace("\n", " ").encode(errors="replace")):
        raise ValueError("damaged: JSON is nested too deeply")
    try:
        return json.loads(text, object_pairs_hook=distinct, parse_constant=no_number)
    except ValueError as error:
        raise ValueError(f"damaged: {error}") from error


def distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members, no name twice."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"{name[:80]!r} is there twice")
        members[name] = value
    return members


def no_number(word: str) -> Any:
    """Refuse the words for which JSON has no place."""
    raise ValueError(f"{word} is not JSON")

"""Fuzz the loader of model files, with whole files, headers and settings: python -m fuzz.model_file SECONDS."""

import json
from typing import Any

from tests.model.attacks import DATA, GOLDEN, HEADER, META, pack, unpack, with_metadata

from fuzz.harness import fuzz
from grucast.model.file import load_model

SMALL = (GOLDEN / "format1-regressor.safetensors").read_bytes()
WORDS = ["null", "true", "-1", "1e999", "NaN", "[]", "{}", '""', "[[[[", "__metadata__", "grucast", *META["settings"]]
SETTINGS = META["settings"]


def content(data: bytes) -> bytes:
    """A file: the input itself, or the golden one with that header, metadata, or value in header or settings."""
    form, place, text = data[:1], sum(data[1:2]), data[2:].decode(errors="replace")
    if form == b"h":
        return pack(text.encode(), DATA)
    if form == b"m":
        return pack(with_metadata(HEADER, text), DATA)
    if form == b"H":
        return pack(replaced(HEADER, place, text).encode(), DATA)
    if form == b"S":
        settings = replaced(SETTINGS, place, text)
        return pack(with_metadata(HEADER, replaced(META, list(META).index("settings"), settings)), DATA)
    return data


def replaced(members: dict[str, Any], place: int, text: str) -> str:
    """An object as JSON, with that text for one of its values."""
    name = list(members)[place % len(members)]
    parts = [f"{json.dumps(key)}: {text if key == name else json.dumps(value)}" for key, value in members.items()]
    return "{" + ", ".join(parts) + "}"


if __name__ == "__main__":
    header, meta, _ = unpack(SMALL)
    seeds = [SMALL, b"h " + json.dumps(header).encode(), *(b"m " + json.dumps(m).encode() for m in (META, meta))]
    for form, members in ((b"H", HEADER), (b"S", SETTINGS)):
        for place, value in enumerate(members.values()):
            seeds += [form + bytes([place]) + json.dumps(text).encode() for text in (value, [0])]
    fuzz(load_model, ".safetensors", seeds, WORDS, content)

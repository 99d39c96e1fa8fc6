"""What a panel was, without its data: a hash, how many series, and where they end."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grucast.data.covariates import Covariate
from grucast.data.panel import Panel


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The data that a model was trained on, as far as its file tells.

    Attributes:
        series: How many there were.
        first_cutoff: The earliest last time stamp of a series: an integer, or microseconds since 1970 in UTC.
        last_cutoff: The latest one.
        fingerprint: Their `panel_fingerprint`.
    """

    series: int
    first_cutoff: int
    last_cutoff: int
    fingerprint: str


def trained_on(panel: Panel) -> TrainedOn:
    """Describe a panel."""
    ends = panel.times(np.zeros(1, np.int64)).astype(np.int64)
    return TrainedOn(len(panel), int(ends.min()), int(ends.max()), panel_fingerprint(panel))


def panel_fingerprint(panel: Panel) -> str:
    """SHA-256 of a panel's ids, starts, offsets, values and covariates in hexadecimal, the same on every machine.

    >>> import polars as pl
    >>> from grucast.data.panel import make_panel
    >>> panel_fingerprint(make_panel(pl.DataFrame({"unique_id": "a", "ds": [1, 2, 3], "y": 0.5})))[:8]
    '6ecb4a55'
    """
    digest = hashlib.sha256()
    for part in parts(panel):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def series_digests(panel: Panel) -> bytes:
    """A digest of 16 bytes for each series: of its name, start and values.

    >>> import polars as pl
    >>> from grucast.data.panel import make_panel
    >>> series_digests(make_panel(pl.DataFrame({"unique_id": "a", "ds": [1, 2, 3], "y": 0.5}))).hex()[:8]
    '3d55efb3'
    """
    starts, values = packed(panel.starts.astype(np.int64), "<i8"), numbers(panel.values)
    edges = (8 * panel.offsets).tolist()
    found = []
    for place, name in enumerate(panel.ids):
        text = str(name).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(len(text).to_bytes(8, "little") + text, digest_size=16)
        digest.update(starts[8 * place : 8 * place + 8])
        digest.update(values[edges[place] : edges[place + 1]])
        found.append(digest.digest())
    return b"".join(found)


def parts(panel: Panel) -> Iterator[bytes]:
    """The panel as bytes, little-endian, each part one whose length is hashed with it."""
    yield from texts(panel.ids)
    yield panel.starts.dtype.kind.encode()
    yield packed(panel.starts.astype(np.int64), "<i8")
    yield packed(panel.offsets, "<i8")
    yield numbers(panel.values)
    yield from columns(panel.temporal)
    yield from columns(panel.static)


def columns(covariates: Mapping[str, Covariate]) -> Iterator[bytes]:
    """Names, categories and values of covariates."""
    yield str(len(covariates)).encode()
    for name, covariate in covariates.items():
        yield from texts((name, *(covariate.categories or ())))
        yield numbers(covariate.values)


def texts(names: Any) -> tuple[bytes, bytes]:
    """Names as UTF-8, and the length of each."""
    encoded = [str(name).encode("utf-8", "surrogatepass") for name in names]
    return b"".join(encoded), packed(np.array([len(text) for text in encoded]), "<i8")


def numbers(values: Any) -> bytes:
    """Float64 with one NaN for all, of which there are many."""
    return packed(np.where(np.isnan(values), np.nan, values), "<f8")


def packed(values: Any, dtype: str) -> bytes:
    """An array's bytes."""
    return np.ascontiguousarray(values, dtype).tobytes()

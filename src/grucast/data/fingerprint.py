"""A number that tells whether two panels hold the same data."""

from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from grucast.data.covariates import Covariate
from grucast.data.panel import Panel


def panel_fingerprint(panel: Panel) -> str:
    """The sha256 of a panel's ids, times, values and covariates, in hexadecimal digits.

    >>> import polars as pl
    >>> from grucast.data.panel import make_panel
    >>> frame = pl.DataFrame({"unique_id": "a", "ds": [1, 2, 3], "y": 1.0})
    >>> len(panel_fingerprint(make_panel(frame)))
    64
    """
    digest = sha256()
    for part in parts(panel):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def parts(panel: Panel) -> Iterator[bytes]:
    """All that a panel holds."""
    for name in panel.ids:
        yield str(name).encode()
    for array in (panel.starts, panel.offsets, panel.values):
        yield np.ascontiguousarray(array).tobytes()
    for name, covariate in sorted({**panel.temporal, **panel.static}.items()):
        yield name.encode()
        yield from parts_of_column(covariate)


def parts_of_column(column: Covariate) -> Iterator[bytes]:
    """Values and categories of a covariate."""
    yield column.values.tobytes()
    for category in column.categories or ():
        yield category.encode()

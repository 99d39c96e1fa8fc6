"""A frame with the columns unique_id, ds, y, each fetched once: that takes narwhals longer than looking at it."""

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

COLUMNS = ("unique_id", "ds", "y")


class Table(NamedTuple):
    """A frame, and the three of its columns that every series has."""

    frame: nw.DataFrame[Any]
    ids: nw.Series[Any]
    ds: nw.Series[Any]
    y: nw.Series[Any]

    @classmethod
    def of(cls, frame: Any) -> "Table":
        """The table of a frame as `read` returns it; a table is its own."""
        if isinstance(frame, Table):
            return frame
        data = nw.from_native(frame, eager_only=True)
        return cls(data, *(data.get_column(name) for name in COLUMNS))


def factorize(ids: nw.Series[Any]) -> tuple[NDArray[np.int32], list[Any]]:
    """A code for each row and the names, in the order of their first appearance."""
    if ids.dtype in (nw.Categorical, nw.Enum):
        ids = without_categories(ids)
    if ids.dtype == nw.Object:  # such as UUIDs
        names: dict[Any, int] = {}
        return np.array([names.setdefault(name, len(names)) for name in ids.to_list()], np.int32), list(names)
    same = len(ids) and ids[0] == ids[-1]  # NA of pandas is neither the same nor another
    if isinstance(same, bool | np.bool_) and same and ids.n_unique() == 1:
        name = ids[0]
        return np.zeros(len(ids), np.int32), [name.item() if isinstance(name, np.generic) else name]
    changed = (ids != ids.shift(1)).fill_null(True)
    heads = ids.filter(changed)  # the first of each run of rows
    distinct = heads.unique(maintain_order=True).to_list()
    if ids.implementation.is_pandas_like():
        codes = heads.to_native().factorize()[0].astype(np.int32)  # a quarter of the time
    else:
        codes = heads.replace_strict(distinct, range(len(distinct)), return_dtype=nw.Int32).to_numpy()
    first_rows = np.flatnonzero(changed.to_numpy())
    return np.repeat(codes, np.diff(np.append(first_rows, len(ids)))), distinct


def without_categories(ids: nw.Series[Any]) -> nw.Series[Any]:
    """A column of categories as what they are: pandas has categories of any type."""
    native = ids.to_native()
    if not hasattr(native.dtype, "categories") or ids.implementation.is_polars():
        return ids.cast(nw.String)
    return nw.from_native(native.astype(native.dtype.categories.dtype), series_only=True)

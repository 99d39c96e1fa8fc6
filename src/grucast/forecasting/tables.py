"""Forecasts as tables in files: their formats, and numbers in as few digits as they need."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.errors import MissingExtraError


def to_bytes(frame: Any, path: str | None) -> bytes:
    """A polars frame in the format that the suffix names, or as CSV; zoned time stamps with their offset from UTC."""
    buffer = BytesIO()
    WRITERS.get(Path(path).suffix.lower() if path else "", WRITERS[".csv"])(frame, buffer)
    return buffer.getvalue()


def write_workbook(frame: Any, file: BytesIO) -> None:
    """A workbook of one sheet; time stamps as the clocks of their zone show them, since workbooks know none.

    Raises:
        MissingExtraError: XlsxWriter is not installed.
    """
    from polars import Datetime, Float64, col
    from polars.exceptions import ModuleUpgradeRequiredError

    plain = frame.with_columns(col(Datetime).dt.replace_time_zone(None), col(Float64).fill_nan(None))
    try:
        plain.write_excel(file, "forecast", autofit=True, freeze_panes=(1, 0))
    except (ImportError, ModuleUpgradeRequiredError) as error:
        raise MissingExtraError("XlsxWriter (to write workbooks)", "cli") from error


def stamp_format(frame: Any) -> str:
    """How CSV has time stamps."""
    zoned = any(getattr(dtype, "time_zone", None) for dtype in frame.dtypes)
    return "%Y-%m-%dT%H:%M:%S%.f%:z" if zoned else "%Y-%m-%d %H:%M:%S%.f"


WRITERS: dict[str, Callable[[Any, BytesIO], None]] = {
    ".csv": lambda frame, file: frame.write_csv(file, datetime_format=stamp_format(frame)),
    ".tsv": lambda frame, file: frame.write_csv(file, separator="\t", datetime_format=stamp_format(frame)),
    ".parquet": lambda frame, file: frame.write_parquet(file),
    ".jsonl": lambda frame, file: frame.write_ndjson(file),
    ".ndjson": lambda frame, file: frame.write_ndjson(file),
    ".json": lambda frame, file: frame.write_json(file),
    ".xlsx": write_workbook,
}


def shortened(frame: Any) -> Any:
    """The polars frame with its forecasts in as few digits as they need."""
    names = [name for name in frame.columns if name == "GRU" or name.startswith(("GRU-lo-", "GRU-hi-", "GRU-sample-"))]
    values = short_digits(frame.select(names).to_numpy())
    return frame.with_columns(**dict(zip(names, values.T, strict=True)))


def short_digits(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles (steps, Q) in the fewest digits that read back as the same float32.

    All digits stay where float32 is too coarse: in steps whose quantiles lie closer together than a thousand of its own
    steps, and in numbers near the ends of its range.

    >>> short_digits(np.array([[10.0879702275093, 9.5, 10.1], [1e9, 1e9 - 0.1, 1e9 + 0.1]])).tolist()
    [[10.08797, 9.5, 10.1], [1000000000.0, 999999999.9, 1000000000.1]]
    """
    size = np.abs(quantiles)
    close = np.ptp(quantiles, axis=1) < 2.0**-14 * size.max(axis=1) if quantiles.shape[1] > 1 else False
    short, fits = quantiles.copy(), (size > 1e-13) & (size < 1e15) & ~np.expand_dims(close, -1)
    same = quantiles[fits].astype(np.float32)
    found = exact = same.astype(np.float64)
    whole = np.floor(np.log10(np.abs(exact)))
    for digits in (9, 8, 7, 6):
        scale = 10.0 ** np.abs(digits - 1 - whole)
        rounded = np.where(whole < digits, np.rint(exact * scale) / scale, np.rint(exact / scale) * scale)
        found = np.where(rounded.astype(np.float32) == same, rounded, found)
    short[fits] = found
    return short

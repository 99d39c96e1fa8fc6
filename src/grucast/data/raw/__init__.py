"""Cells as they stand in files, workbooks and databases; nothing here decides what a column means."""

from grucast.data.raw.sources import read_raw
from grucast.data.raw.table import RawTable

__all__ = ["RawTable", "read_raw"]

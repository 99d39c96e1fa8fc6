import pickle

import pytest

from grucast.data.raw.kinds import find_kind
from grucast.errors import DataError

REFUSED = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \r\n\t", "is empty"),
    "page": (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><p>Log in</p></html>", r"is a web page \(HTML\)"),
    "part of a page": (b"<table><tr><td>1</td></tr></table>", r"is a web page \(HTML\)"),
    "xml": (b"<?xml version='1.0'?><a/>", "is XML"),
    "xml without its mark": (b'<rss version="2.0"><item>1</item></rss>', "is XML"),
    "pdf": (b"%PDF-1.7\n", "is a PDF document"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0", r"is a picture \(PNG\), not text"),
    "jpeg": (b"\xff\xd8\xff\xe0", r"is a picture \(JPEG\), not text"),
    "gif": (b"GIF89a", r"is a picture \(GIF\), not text"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", r"is a binary file \(HDF5\), not text: export it as CSV or Parquet"),
    "netcdf": (b"CDF\x01\0\0", r"is a binary file \(NetCDF\)"),
    "pickle": (pickle.dumps([1, 2]), r"is a binary file \(pickle\)"),
    "feather 1": (b"FEA1....", "is a Feather file of version 1: write version 2"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "is packed by 7-Zip: unpack it first"),
    "tar": (b"a.csv".ljust(257, b"\0") + b"ustar\0", "is a tar archive"),
    "bytes": (bytes(range(256)), "is a binary file, not text: export it as CSV or Parquet"),
    "control characters": (b"a,b\n\x01\x02,3\n", "is a binary file, not text"),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), "is a binary file, not text"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_is_named(what):
    data, wanted = REFUSED[what]
    with pytest.raises(DataError, match="^sales.csv " + wanted):
        find_kind(data, "sales.csv")


KINDS = {
    b"<DATE>\t<OPEN>\n2024.01.01\t5\n": "delimited text",  # as MetaTrader writes
    b"<TICKER>,<PER>,<DATE>\nA,D,20240101\n": "delimited text",
    b"[unit],x\n1,2\n": "delimited text",
    b"a,b\n1,2\n\x1a": "delimited text",
    "a\tb\n".encode("utf-16"): "delimited text",
    b'\xef\xbb\xbf [ {"a": 1}]': "JSON",
    b'{"a": 1}\n{"a": 2}\n': "JSON",
    b"[]": "JSON",
}


@pytest.mark.parametrize("data", KINDS)
def test_text_is_told_from_json(data):
    assert find_kind(data, "x") == KINDS[data]

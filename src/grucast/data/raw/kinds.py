"""What a file is, told by its content; its name may say anything."""

import codecs
import re

from grucast.data.raw.text import UTF16
from grucast.errors import DataError

HEAD_BYTES = 2**16  # bytes that tell
BEGINNINGS = (  # how files begin: the kind
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook"),  # Excel 97 to 2003
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"\xff\xff\xff\xff", "an Arrow stream"),
)
PICKLE = "a binary file (pickle), not text: export it as CSV or Parquet"
REFUSED = (  # how files begin: what they are
    (b"FEA1", "a Feather file of version 1: write version 2, which pyarrow and polars do by default"),
    (b"%PDF", "a PDF document, not a table: export the table as CSV"),
    (b"{\\rtf", "an RTF document, not a table: export the table as CSV"),
    (b"\x89PNG", "a picture (PNG), not text"),
    (b"\xff\xd8\xff", "a picture (JPEG), not text"),
    (b"GIF8", "a picture (GIF), not text"),
    (b"7z\xbc\xaf", "packed by 7-Zip: unpack it first"),
    (b"Rar!", "packed by RAR: unpack it first"),
    (b"\x89HDF", "a binary file (HDF5), not text: export it as CSV or Parquet"),
    (b"CDF\x01", "a binary file (NetCDF), not text: export it as CSV or Parquet"),
    (b"CDF\x02", "a binary file (NetCDF), not text: export it as CSV or Parquet"),
    (b"CDF\x05", "a binary file (NetCDF), not text: export it as CSV or Parquet"),
    (b"Obj\x01", "a binary file (Avro), not text: export it as CSV or Parquet"),
    (b"ORC", "a binary file (ORC), not text: export it as CSV or Parquet"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
)
BINARY = "a binary file, not text: export it as CSV or Parquet"
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")  # what no text holds, but for DOS's mark of the end
JSON = re.compile(rb'\{\s*["}]|\[\s*([\[\]{"]|-?\d|true\b|false\b|null\b)')
HTML = re.compile(rb"<(!doctype html|html|head|body|script|meta|table|div)\b", re.IGNORECASE)
TAG = re.compile(rb"<([A-Za-z][\w:.-]*)[^<>]*>")


def find_kind(data: bytes, name: str) -> str:
    """The kind of a content: one of those above, "JSON" or "delimited text".

    Raises:
        DataError: It is empty, or nothing that can be read.
    """
    if not data.strip():
        raise DataError(f"{name} is empty")
    if refused := next((said for start, said in REFUSED if data.startswith(start)), None):
        raise DataError(f"{name} is {refused}")
    if kind := next((kind for start, kind in BEGINNINGS if data.startswith(start)), None):
        return kind
    if is_database(data):
        return "a database"
    if data[257:262] == b"ustar":
        raise DataError(f"{name} is a tar archive: unpack it first")
    return find_text(data, name)


def is_database(data: bytes) -> bool:
    """Whether this is the beginning of a database."""
    return data.startswith(b"SQLite format 3\0") or data[8:12] == b"DUCK"


def find_text(data: bytes, name: str) -> str:
    """What kind of text a content is."""
    if data.startswith(UTF16):
        return "delimited text"
    head = data[:HEAD_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    if b"\0" in data or CONTROL.search(head):
        raise DataError(f"{name} is {BINARY}")
    if HTML.match(head):
        raise DataError(f"{name} is a web page (HTML), not a table: download the data itself, perhaps after a login")
    tag = TAG.match(head)  # <DATE> may be the name of a column
    if head.startswith((b"<?xml", b"<!--")) or (tag and b"</" + tag[1] + b">" in data):
        raise DataError(f"{name} is XML, not a table: export it as CSV or Parquet")
    return "JSON" if JSON.match(head) else "delimited text"

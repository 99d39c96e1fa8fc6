import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile

import pytest
import zstandard

from grucast.data.raw.packed import unpack
from grucast.errors import DataError

TEXT = b"day,sold\n2024-01-01,5\n"
PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstandard": zstandard.compress}


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("kind", PACKERS)
def test_each_kind_is_unpacked(kind):
    packed = PACKERS[kind](TEXT)
    assert unpack(packed, "x") == (TEXT, "delimited text", "x")
    assert unpack(packed + packed, "x")[0] == TEXT + TEXT  # as cat joins them
    assert unpack(gzip.compress(packed), "x")[0] == TEXT


@pytest.mark.parametrize("kind", PACKERS)
def test_damaged_file_is_refused(kind):
    packed = PACKERS[kind](TEXT)
    for data in (packed[:-3], packed[:8] + b"\x99" * len(packed)):
        with pytest.raises(DataError, match=f"x is not a whole {kind} file"):
            unpack(data, "x")


def test_only_file_of_a_zip_is_unpacked():
    members = {"data/": b"", "data/a.csv": TEXT, "__MACOSX/data/._a.csv": b"\0", "data/.DS_Store": b"\0"}
    assert unpack(zipped(**members), "x.zip") == (TEXT, "delimited text", "x.zip (data/a.csv)")
    assert unpack(zipped(**{"a.csv.gz": gzip.compress(TEXT)}), "x.zip")[0] == TEXT


NO_TABLE = {
    "two files": (zipped(**{"a.csv": TEXT, "b/c.csv": TEXT}), r"x holds 2 files: .* name one of a.csv, b/c.csv"),
    "no file": (zipped(**{"a/": b""}), "x holds no file"),
    "no end": (zipped(**{"a.csv": TEXT})[:-30], "x is not a whole zip file"),
    "word": (zipped(**{"[Content_Types].xml": b"", "word/document.xml": b""}), "x is a Word document"),
    "text document": (
        zipped(mimetype=b"application/vnd.oasis.opendocument.text", **{"content.xml": b""}),
        r"x is an OpenDocument file of another kind",
    ),
    "xlsb": (zipped(**{"xl/workbook.bin": b""}), "x is a .xlsb file"),
    "packed too often": (gzip.compress(gzip.compress(gzip.compress(TEXT))), "x is packed more than 3 times|3 times"),
}


@pytest.mark.parametrize("what", NO_TABLE)
def test_zip_without_a_single_table_is_refused(what):
    data, wanted = NO_TABLE[what]
    with pytest.raises(DataError, match=wanted):
        unpack(data, "x")


def test_encrypted_file_is_refused():
    data = bytearray(zipped(**{"a.csv": TEXT}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    with pytest.raises(DataError, match=r"x \(a.csv\) is encrypted"):
        unpack(bytes(data), "x")


@pytest.mark.parametrize("kind", [*PACKERS, "zip", "workbook"])
def test_bomb_is_refused_in_little_memory(kind):
    zeros = bytes(2**28)
    if kind in PACKERS:
        data = PACKERS[kind](zeros)
    else:
        data = zipped(**({"a.csv": zeros} if kind == "zip" else {"xl/workbook.xml": b"", "xl/worksheets/a.xml": zeros}))
    del zeros
    tracemalloc.start()
    with pytest.raises(DataError, match="unpacks to more than a hundred times its size"):
        unpack(data, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**28 + 2**26

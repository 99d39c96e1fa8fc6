"""Contents that are packed, unpacked before they fill the memory."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from grucast.data.raw.kinds import find_kind
from grucast.errors import DataError, MissingExtraError

CHUNK = 2**20
UNPACKED = 2**27  # bytes that a file may always unpack to; more at most a hundred times its size
DEEPEST_ARCHIVE = 3
STREAMS: dict[str, Callable[[BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
OTHERS = {  # members that tell of what is not read
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a presentation",
    "xl/workbook.bin": "a .xlsb file",
}


def unpack(data: bytes, name: str) -> tuple[bytes, str, str]:
    """The content inside, its kind and its name.

    Raises:
        DataError: It is damaged, too large or nothing that can be read.
        MissingExtraError: What unpacks it is not installed.
    """
    most = max(UNPACKED, 100 * len(data))
    for _ in range(DEEPEST_ARCHIVE):
        kind = find_kind(data, name)
        if kind == "zip":
            with open_zip(data, name) as archive:
                if is_workbook(archive, name, most):
                    return data, "a workbook", name
                data, name = unpack_zip(archive, name, most)
        elif kind in STREAMS or kind == "zstandard":
            data = unpack_stream(data, kind, name, most)
        else:
            return data, kind, name
    raise DataError(f"{name} is packed more than {DEEPEST_ARCHIVE} times: unpack it first")


def unpack_stream(data: bytes, kind: str, name: str, most: int) -> bytes:
    """What a compressed stream holds."""
    try:
        if kind == "zstandard":
            return gather(zstandard_chunks(data), name, most)
        with STREAMS[kind](BytesIO(data)) as stream:
            return gather(iter(lambda: stream.read(CHUNK), b""), name, most)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{name} is not a whole {kind} file: {error}") from error


def gather(chunks: Iterator[bytes], name: str, most: int) -> bytes:
    """All chunks, unless they are too many."""
    content = BytesIO()
    for chunk in chunks:
        content.write(chunk)
        if content.tell() > most:
            raise DataError(f"{name} unpacks to more than a hundred times its size: unpack it yourself first")
    return content.getvalue()


def zstandard_chunks(data: bytes) -> Iterator[bytes]:
    """What the frames of a zstandard file hold; of so few bytes at once that no step is large."""
    try:
        from zstandard import ZstdDecompressor, ZstdError
    except ImportError as error:
        raise MissingExtraError("zstandard (to unpack .zst)", "cli") from error
    decoder = None
    for start in range(0, len(data), 1024):
        piece = data[start : start + 1024]
        while piece:
            decoder = decoder or ZstdDecompressor().decompressobj()
            try:
                yield decoder.decompress(piece)
            except ZstdError as error:
                raise OSError(error) from error
            piece = decoder.unused_data if decoder.eof else b""
            decoder = None if decoder.eof else decoder
    if decoder:
        raise EOFError("it ends before its end is marked")


def open_zip(data: bytes, name: str) -> ZipFile:
    """The archive."""
    try:
        return ZipFile(BytesIO(data))
    except (BadZipFile, ValueError, OSError) as error:
        raise DataError(f"{name} is not a whole zip file: {error}") from error


def is_workbook(archive: ZipFile, name: str, most: int) -> bool:
    """Whether a zip file is a workbook, and a bounded one."""
    members = archive.namelist()
    if other := next((said for member, said in OTHERS.items() if member in members), None):
        raise DataError(f"{name} is {other}, which is not read: save the table as .xlsx or CSV")
    if "mimetype" in members and "content.xml" in members:
        kind = archive.open("mimetype").read(100).decode("latin-1").strip()
        if "opendocument.spreadsheet" not in kind:
            raise DataError(f"{name} is an OpenDocument file of another kind ({kind}): save the table as .ods or CSV")
    elif "xl/workbook.xml" not in members:
        return False
    if sum(info.file_size for info in archive.infolist()) > most:
        raise DataError(f"{name} unpacks to more than a hundred times its size: save it as CSV")
    return True


def unpack_zip(archive: ZipFile, name: str, most: int) -> tuple[bytes, str]:
    """The only file in an archive, and its name."""
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and "__MACOSX" not in info.filename
        and not info.filename.rpartition("/")[2].startswith(".")
    ]
    if not members:
        raise DataError(f"{name} holds no file")
    if len(members) > 1:
        names = ", ".join(info.filename for info in members[:10]) + ", ..." * (len(members) > 10)
        raise DataError(f"{name} holds {len(members)} files: unpack it and name one of {names}")
    inside = f"{name} ({members[0].filename})"
    if members[0].flag_bits & 1:
        raise DataError(f"{inside} is encrypted: unpack it first")
    try:
        with archive.open(members[0]) as stream:
            return gather(iter(lambda: stream.read(CHUNK), b""), inside, most), inside
    except (EOFError, OSError, BadZipFile, NotImplementedError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{inside} cannot be unpacked: {error}") from error

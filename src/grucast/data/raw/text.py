"""Bytes of text as UTF-8 with line feeds."""

import codecs

from grucast.errors import DataError

CHUNK = 2**24  # bytes checked at once, and the longest line
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_text(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """The text as UTF-8, without a mark in front and with line feeds; and a note where the encoding was guessed."""
    text, notes = as_utf8(data, name)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # as Windows and old Macs write
    text = text.rstrip(b"\x1a")  # how DOS ends a file
    check_lines(text, name)
    return text, notes


def as_utf8(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """Decode what is not UTF-8."""
    if data.startswith(UTF16):
        try:
            return data.decode("utf-16").encode(), []
        except UnicodeError as error:
            raise DataError(f"{name} begins as UTF-16 text but is not: save it as UTF-8") from error
    data = data.removeprefix(codecs.BOM_UTF8)
    if is_utf8(data):
        return data, []
    try:  # a guess, but the only one that is often right: libraries that guess take short texts for Chinese
        return data.decode("cp1252").encode(), ["read as Windows-1252 text"]
    except UnicodeError as error:
        raise DataError(f"{name} is neither UTF-8 nor Windows-1252 text: save it as UTF-8") from error


def is_utf8(data: bytes) -> bool:
    """Whether it decodes, chunk by chunk."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), CHUNK):
            decoder.decode(data[start : start + CHUNK], final=start + CHUNK >= len(data))
    except UnicodeError:
        return False
    return True


def check_lines(text: bytes, name: str) -> None:
    """Refuse a line without end."""
    start = 0
    while len(text) - start > CHUNK:
        end = text.rfind(b"\n", start, start + CHUNK)
        if end < 0:
            raise DataError(f"{name} has a line of more than {CHUNK // 2**20} MiB: end each row with a line break")
        start = end + 1

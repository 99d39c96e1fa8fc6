"""Fuzz the reader of files, whatever they hold: python -m fuzz.csv_file SECONDS."""

import atheris

from fuzz.harness import fuzz

with atheris.instrument_imports(include=["grucast"]):
    from grucast.data.raw import columnar, delimited, read_raw, records, workbook  # noqa: F401 - imported where they are used

SEEDS = [
    b"unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2.5\na,2024-01-03,\nb,2024-01-01,-1e3\n",
    b"sep=;\nds;y\n01.01.2024;1,5\n2024-01-02 12:00;2,5\n",
    b'date\tvalue\textra\n20240101\t1\tx\n20240102\tNA\t"y\nz"\n',
    b"Sales, 2024\n\nday,sold,\n2024-01-01,1,\n2024-01-02,2,\n\nSource: us, and, others\n",
    "ds,y\n1,1\n2,nan\n3,inf\n4,1_000\n".encode("utf-16"),
    "Größe|Ort\r1|Köln\r2|Leer\r".encode("cp1252"),
    b"Item,Kind,1990,1991\na,b,1,2\nc,d,2,3\n",
    b'[{"ds": 1, "y": 1.5}, {"ds": 2, "y": null}]',
    b'{"ds": {"0": 1, "1": 2}, "y": {"0": 1.5, "1": 2.5}}',
    b'{"ds": 1, "y": {"a": 1}}\n{"ds": 2, "y": {"a": 2}}\n',
]
WORDS = [
    "ds",
    "y",
    "2024-01-01",
    "nan",
    "1e309",
    ",",
    ";",
    '"',
    "\n",
    "\r\n",
    "\0",
    "sep=",
    "[{",
    "}]",
    "PK\3\4",
    "PAR1",
]


if __name__ == "__main__":
    fuzz(read_raw, ".csv", SEEDS, WORDS, bytes)

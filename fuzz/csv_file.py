"""Fuzz the reader of CSV files: python -m fuzz.csv_file SECONDS."""

from fuzz.harness import fuzz
from grucast.data.panel import make_panel
from grucast.data.sources import read

SEEDS = [
    b"unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2.5\na,2024-01-03,\nb,2024-01-01,-1e3\n",
    b"ds;y\n01.01.2024;1,5\n2024-01-02 12:00;2,5\n",
    b'date\tvalue\textra\n20240101\t1\tx\n20240102\tNA\t"y\nz"\n',
    b"\xef\xbb\xbfid,timestamp,target\n1,2024-01-01T00:00:00+02:00,1\n1,2024-01-01T01:00:00+02:00,2\n",
    "ds,y\n1,1\n2,nan\n3,inf\n4,1_000\n".encode("utf-16"),
    b"ds,y\n1,1\n2,2\n3,3\n5,5\n",
]
WORDS = ["unique_id", "ds", "y", "2024-01-01", "T00:00:00", "+02:00", "nan", "1e309", ",", ";", '"', "\n", "\r\n", "\0"]


if __name__ == "__main__":
    fuzz(lambda path: make_panel(read(path)), ".csv", SEEDS, WORDS, bytes)

"""A process that writes observations to a store and says so, until it is killed: MODEL URL PORTION."""

import sys

import numpy as np

from grucast import load
from grucast.store import StoredStream, open_store

START = np.datetime64("2024-01-01", "us")


def row_of(step, series):
    wave = float(np.sin(step / 4) * 10 + hash_of(step) * series)
    return {"unique_id": f"s{series}", "ds": START + np.timedelta64(step, "h"), "y": wave}


def hash_of(step):
    return (step * 7919 % 101) / 101


def main(model, url, count):
    live = StoredStream(load(model).model_, open_store(url))
    step = (live.latest("s0") or 0) + 1
    while True:
        live.update([row_of(step, series) for series in range(int(count))], sequence=step)
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        step += 1


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What keeping a stream in a store costs: python -m benchmarks.bench_store [URL]; SQLite in a folder here without one.

Beside it the row of a journal (60 bytes) written to the same SQLite, committed one by one: what snapshots cost more.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from grucast.store import StoredStream, open_store

UPDATES, SERIES = 500, 1000


def milliseconds(update: Callable[[Any], Any], rows: list[Any]) -> float:
    """The mean time of an update."""
    begin = time.perf_counter()
    for row in rows:
        update(row)
    return (time.perf_counter() - begin) / len(rows) * 1e3


def commits(folder: str, size: int) -> float:
    """The time that SQLite takes to commit so many bytes in place of those before."""
    store = open_store(f"sqlite:///{folder}/commits-{size}.db")

    def commit(content: bytes) -> None:
        store.run(lambda connection: store.write(connection, [dict(row, state=content)], []))

    row = {"model": "m", "series": "s", "sequence": 1, "version": 1, "ahead": b""}
    took = milliseconds(commit, [bytes(size)] * UPDATES)
    store.close()
    return took


def main(folder: str, url: str) -> None:
    data = example().tail(1000 + UPDATES)
    forecaster = GRUForecaster(h=24, input_size=336, training=TrainingConfig(max_steps=2)).fit(data.head(1000))
    rows = data.tail(UPDATES).to_dicts()
    store = open_store(url)
    live = StoredStream(forecaster.model_, store)
    print(f"in memory             {milliseconds(forecaster.stream().update, rows):6.2f} ms an update")
    print(f"in the store          {milliseconds(live.update, rows):6.2f} ms an update")
    many = [[row | {"unique_id": f"s{k}"} for k in range(SERIES)] for row in rows[:5]]
    print(f"{SERIES} series at once  {SERIES / milliseconds(live.update, many) * 1e3:6.0f} updates a second")
    query = "SELECT length(state), length(ahead) FROM grucast_states"
    state, ahead = store.run(lambda connection: connection.exec_driver_sql(query).first())
    print(f"a series takes        {state} + {ahead} bytes")
    small, whole = commits(folder, 60), commits(folder, state + ahead)
    print(f"a commit of SQLite    {small:6.2f} ms with 60 bytes, {whole:.2f} with a state")
    store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        main(place, sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{place}/streams.db")

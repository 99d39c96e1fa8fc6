import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grucast.data.parquet import find_parquet, read
from grucast.data.parts import LEAST, cut, cut_in_order, to_bytes, usual_memory
from grucast.errors import ConfigError, DataError


def rows_of(folder):
    return pl.concat([pl.read_parquet(path) for path in sorted(folder.iterdir())] or [pl.DataFrame()])


def test_all_rows_of_a_series_are_in_one_part_and_none_is_lost(tmp_path):
    frames = [pl.DataFrame({"shop": [f"s{i % 50}" for i in range(k, 3000)], "y": range(k, 3000)}) for k in (0, 1)]
    for number, frame in enumerate(frames):
        frame.write_parquet(tmp_path / f"{number}.parquet")
    parts = cut(find_parquet(str(tmp_path)), ["shop"], 100_000, tmp_path / "parts")
    assert parts.rows == 5999
    assert len(parts.folders) > 3
    found = [rows_of(folder) for folder in parts.folders]
    names = [set(rows["shop"]) if len(rows) else set() for rows in found]
    assert sum(map(len, names)) == len(set().union(*names)) == 50
    whole = pl.concat([rows for rows in found if len(rows)]).sort("y", "shop")
    assert whole.equals(pl.concat(frames).sort("y", "shop"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text("ab", max_size=2), st.integers(0, 3)), min_size=1, max_size=50),
    st.integers(1, 9),
    st.integers(200, 3000),
)
def test_parts_in_order_follow_each_other_as_the_series_come_first(tmp_path, names, least, memory):
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    rows = pl.DataFrame(names, schema=["a", "b"], orient="row").with_row_index("row")
    for number, own in enumerate(np.array_split(np.arange(len(rows)), 3)):
        rows[own].write_parquet(folder / f"{number}.parquet")
    paths = find_parquet(str(folder))
    parts = cut_in_order(paths, ["a", "b"], memory, folder / "parts", least)
    found = [read(own) for own in parts]
    assert all(len(own) for own in found)
    assert all(own["row"].is_sorted() for own in found)
    whole = pl.concat(found)
    assert whole.sort("row").equals(rows)
    order = list(dict.fromkeys(whole.select("a", "b").iter_rows()))
    assert order == list(dict.fromkeys(names))
    assert sum(own.select("a", "b").n_unique() for own in found) == len(order)


def test_parts_in_order_are_of_about_as_many_rows(tmp_path):
    pl.DataFrame({"a": np.arange(1000) // 5}).write_parquet(tmp_path / "x.parquet")
    parts = cut_in_order(find_parquet(str(tmp_path)), ["a"], 2**30, tmp_path / "parts", least=4)
    assert [len(read(own)) for own in parts] == [250] * 4


def test_rows_without_a_name_are_one_part_in_order(tmp_path):
    pl.DataFrame({"y": range(1000)}).write_parquet(tmp_path / "x.parquet")
    found = find_parquet(str(tmp_path))
    assert cut_in_order(found, [], 100, tmp_path / "parts", 3) == [found]


def test_few_rows_are_one_part(tmp_path):
    pl.DataFrame({"shop": ["a", "b"], "y": [1, 2]}).write_parquet(tmp_path / "x.parquet")
    assert len(cut(find_parquet(str(tmp_path)), ["shop"], LEAST, tmp_path / "parts").folders) == 1


def test_folders_without_parquet_and_what_is_no_parquet_are_said(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet file"):
        find_parquet(str(tmp_path))
    (tmp_path / "x.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        cut(find_parquet(str(tmp_path)), ["a"], LEAST, tmp_path / "parts")


@pytest.mark.parametrize("text", ["", "much", "1", "-2GB", "nan", "2PB", "infGB"])
def test_sizes_without_meaning_are_refused(text):
    with pytest.raises(ConfigError):
        to_bytes(text)


def test_a_quarter_of_the_memory_is_usual():
    assert usual_memory() > LEAST

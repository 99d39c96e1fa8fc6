import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.parts import LEAST, cut, find_parquet, share, to_bytes, usual_memory
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


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(0, 3)), min_size=1, max_size=50), st.integers(1, 5))
def test_rows_are_shared_by_the_whole_name(names, count):
    rows = pl.DataFrame(names, schema=["a", "b"], orient="row")
    shared = share(rows, ["a", "b"], count)
    assert sum(len(own) for _, own in shared) == len(rows)
    places = [set(own.iter_rows()) for _, own in shared]
    assert sum(map(len, places)) == len(set(names))


def test_few_rows_are_one_part(tmp_path):
    pl.DataFrame({"shop": ["a", "b"], "y": [1, 2]}).write_parquet(tmp_path / "x.parquet")
    assert len(cut([tmp_path / "x.parquet"], ["shop"], LEAST, tmp_path / "parts").folders) == 1


def test_folders_without_parquet_and_what_is_no_parquet_are_said(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet file"):
        find_parquet(str(tmp_path))
    (tmp_path / "x.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be cut"):
        cut(find_parquet(str(tmp_path)), ["a"], LEAST, tmp_path / "parts")


@pytest.mark.parametrize("text", ["", "much", "1", "-2GB", "nan", "2PB", "infGB"])
def test_sizes_without_meaning_are_refused(text):
    with pytest.raises(ConfigError):
        to_bytes(text)


def test_a_quarter_of_the_memory_is_usual():
    assert usual_memory() > LEAST

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from grucast.errors import ConfigError, DataError, GrucastError
from grucast.forecasting.dataset import FolderPlace, write_dataset

FRAME = pl.DataFrame({"unique_id": ["a", "b"], "ds": [1, 2], "GRU": [1.5, float("nan")]})


def write(folder, existing="refuse", frame=FRAME):
    return write_dataset(frame, FolderPlace.of(folder, existing))


@pytest.mark.parametrize(("existing", "times"), [("append", 2), ("replace", 1)])
def test_other_readers_find_what_was_added_or_replaced(tmp_path, existing, times):
    write(tmp_path / "out")
    write(tmp_path / "out", existing)
    assert pq.read_table(tmp_path / "out").num_rows == times * 2
    assert len(pl.read_parquet(tmp_path / "out")) == times * 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_are_read_in_the_order_in_which_they_were_written(tmp_path):
    for number in range(5):
        write(tmp_path, "append", pl.DataFrame({"number": [number]}))
    assert pl.read_parquet(tmp_path)["number"].to_list() == [0, 1, 2, 3, 4]


def test_folder_is_refused_where_files_are_and_nothing_is_said_of_them(tmp_path):
    write(tmp_path)
    with pytest.raises(ConfigError, match="holds Parquet files already: say what becomes of them"):
        FolderPlace.of(tmp_path, "refuse")
    with pytest.raises(ConfigError, match="one of refuse, append, replace, not 'delete'"):
        FolderPlace.of(tmp_path, "delete")


@pytest.mark.parametrize("existing", ["refuse", "append", "replace"])
@pytest.mark.parametrize("name", ["letter.txt", "y=1/a.parquet", ".git/config"])
def test_folder_of_other_things_is_refused_and_kept(tmp_path, existing, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="which is no Parquet file: give a folder of its own"):
        write(tmp_path, existing)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("existing", ["append", "replace"])
def test_signs_that_engines_leave_are_no_data(tmp_path, existing):
    for name in ("_SUCCESS", ".part-0.parquet.crc"):
        (tmp_path / name).touch()
    write(tmp_path, existing)
    assert len(pl.read_parquet(tmp_path / "*.parquet")) == 2


def test_other_columns_are_not_added(tmp_path):
    before = write(tmp_path)
    with pytest.raises(DataError, match=r"has the columns .*GRU \(Float64\), but the table has .*GRU \(String\)"):
        write(tmp_path, "append", FRAME.cast({"GRU": pl.String}))
    assert list(tmp_path.iterdir()) == [before]
    write(tmp_path, "replace", FRAME.drop("ds"))
    assert pl.read_parquet(tmp_path).columns == ["unique_id", "GRU"]


def test_nothing_is_added_to_what_cannot_be_read(tmp_path):
    (tmp_path / "a.parquet").write_text("unique_id,ds\n")
    with pytest.raises(DataError, match=r"a\.parquet cannot be read, so nothing is added"):
        write(tmp_path, "append")


@pytest.mark.parametrize("existing", ["append", "replace"])
def test_folder_is_as_it_was_when_writing_fails(tmp_path, existing, monkeypatch):
    before = write(tmp_path / "out")
    monkeypatch.setattr("grucast.model.writing.os.fsync", full)
    with pytest.raises(GrucastError, match="No space left"):
        write(tmp_path / "out", existing)
    assert [before] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert pl.read_parquet(before).equals(FRAME)


def test_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    before, rename = write(tmp_path / "out"), Path.rename

    def refuse(path, to):
        return full() if path.name.endswith(".new") else rename(path, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DataError, match=r"cannot replace .*: No space left"):
        write(tmp_path / "out", "replace")
    assert [before] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_link_to_a_folder_stays_one_and_its_mode_is_kept(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "out").chmod(0o750)
    (tmp_path / "link").symlink_to("out")
    write(tmp_path / "link", "replace")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750


KILLED = """
import os, signal, sys
from pathlib import Path
import polars as pl
from grucast.forecasting import dataset

real, both = dataset.move, int(sys.argv[2]) == 2
def move(folder, to):
    if folder.suffix == ".new" and not both:
        os.kill(os.getpid(), signal.SIGKILL)
    real(folder, to)
    if folder.suffix == ".new":
        os.kill(os.getpid(), signal.SIGKILL)

dataset.move = move
dataset.write_dataset(pl.DataFrame({"GRU": [9.0]}), dataset.FolderPlace.of(sys.argv[1], "replace"))
"""


def replace_and_kill(folder, steps):
    """Replace a folder in a process that is killed after one or both of the steps."""
    done = subprocess.run([sys.executable, "-c", KILLED, folder, str(steps)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_folder_comes_back_after_its_process_was_killed_between_the_steps(tmp_path):
    before = write(tmp_path / "out[1]")
    replace_and_kill(tmp_path / "out[1]", steps=1)
    assert not (tmp_path / "out[1]").exists()
    with pytest.raises(ConfigError, match="holds Parquet files already"):
        write(tmp_path / "out[1]")
    assert [before] == [path for path in tmp_path.rglob("*") if path.is_file()]
    write(tmp_path / "out[1]", "append")
    assert pq.read_table(before.parent).num_rows == 4


def test_folder_that_was_replaced_does_not_come_back(tmp_path):
    write(tmp_path / "out")
    replace_and_kill(tmp_path / "out", steps=2)
    assert pl.read_parquet(tmp_path / "out")["GRU"].to_list() == [9.0]
    shutil.rmtree(tmp_path / "out")
    write(tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out").equals(FRAME)


def full(*_):
    raise OSError(28, "No space left on device")

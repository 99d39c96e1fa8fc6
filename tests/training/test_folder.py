"""What others put into a folder of checkpoints: it stays, is never followed, and stops no run."""

import os

import pytest

from grucast.errors import CheckpointError, CheckpointWarning
from grucast.training.checkpoint import read
from grucast.training.folder import LATEST, MANIFEST, STATE, newest
from tests.training import killed


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints of steps 1 and 2."""
    folder = tmp_path / "run"
    folder.mkdir()
    for step in (1, 2):
        killed.save(folder, step)
    return folder


@pytest.fixture
def outside(tmp_path):
    """A folder of somebody else, with files of the names that checkpoints have."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in (STATE, MANIFEST, f".{STATE}.0123abcd", "mine"):
        (folder / name).write_text("mine")
    return folder


def untouched(outside):
    assert sorted(path.name for path in outside.iterdir()) == sorted((STATE, MANIFEST, f".{STATE}.0123abcd", "mine"))
    return all(path.read_text() == "mine" for path in outside.iterdir())


@pytest.mark.parametrize("name", [".DS_Store", ".nfs0000000000a1b2c3", f".{STATE}.mine", f"{STATE}.bak"])
def test_file_of_others_in_an_old_checkpoint_stays_and_is_warned_of_once(folder, name):
    (folder / "step-000001" / name).write_text("mine")
    with pytest.warns(CheckpointWarning, match="step-000001 is no longer needed and cannot be removed: "):
        killed.save(folder, 3)
    killed.save(folder, 4)
    assert [path.name for path in (folder / "step-000001").iterdir()] == [name]
    assert killed.saved(folder) == 4


def test_file_of_others_where_a_checkpoint_comes_stays(folder):
    (folder / "step-000003").mkdir()
    (folder / "step-000003" / ".DS_Store").write_text("mine")
    killed.save(folder, 3)
    assert killed.saved(folder) == 3
    assert (folder / "step-000003" / ".DS_Store").read_text() == "mine"


@pytest.mark.parametrize("step", [1, 3, 999_999])
def test_file_that_is_named_like_a_checkpoint_is_left_out(folder, step):
    name = folder / f"step-{step:06}"
    if step == 1:
        for path in name.iterdir():
            path.unlink()
        name.rmdir()
    name.write_text("mine")
    for number in (4, 5):
        killed.save(folder, number)
    assert name.read_text() == "mine"
    assert killed.saved(folder) == 5


def test_checkpoint_whose_name_is_taken_is_left_out_with_a_warning(folder, outside):
    (folder / "step-000003").write_text("mine")
    (folder / "step-000004").symlink_to(outside)
    (folder / "step-000005").symlink_to(folder / "absent")
    for step in (3, 4, 5):
        with pytest.warns(CheckpointWarning, match=f"step-00000{step} is no checkpoint, so none is saved there"):
            killed.save(folder, step)
        assert killed.saved(folder) == 2
    killed.save(folder, 6)
    assert killed.saved(folder) == 6
    assert untouched(outside)
    assert not (folder / "absent").exists()


def test_links_are_neither_followed_nor_removed(folder, outside):
    (folder / "step-000009").symlink_to(outside)
    (folder / "step-000003").mkdir()
    for name in (STATE, MANIFEST, f".{STATE}.0123abcd"):
        (folder / "step-000003" / name).symlink_to(outside / name)
    (folder / f".{LATEST}.0123abcd").symlink_to(outside / "mine")
    for step in (3, 4, 5):
        killed.save(folder, step)
    assert (folder / "step-000009").is_symlink()
    assert killed.saved(folder) == 5
    assert untouched(outside)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "link to nothing", "link to a device", "large"])
def test_pointer_that_is_no_file_of_ours_is_not_read_and_stops_nothing(folder, outside, kind):
    pointer = folder / LATEST
    pointer.unlink()
    make = {
        "fifo": lambda: os.mkfifo(pointer),
        "folder": pointer.mkdir,
        "link": lambda: pointer.symlink_to(outside / "mine"),
        "link to nothing": lambda: pointer.symlink_to(folder / "absent"),
        "link to a device": lambda: pointer.symlink_to("/dev/zero"),
        "large": lambda: (pointer.touch(), os.truncate(pointer, 2**40)),
    }
    make[kind]()
    assert newest(folder) == folder / "step-000002"
    if kind == "folder":
        with pytest.warns(CheckpointWarning, match="latest is a folder"):
            killed.save(folder, 3)
    else:
        killed.save(folder, 3)
        assert pointer.read_text() == "step-000003"
    assert killed.saved(folder) == 3
    assert untouched(outside)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", [STATE, MANIFEST])
@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_state_that_is_no_file_is_refused(folder, outside, name, kind):
    path = folder / "step-000002" / name
    path.unlink()
    {"fifo": lambda: os.mkfifo(path), "link": lambda: path.symlink_to(outside / name), "folder": path.mkdir}[kind]()
    with pytest.raises(CheckpointError, match=f"step-000002 is damaged: {name}: .*go on from .*step-000001"):
        read(folder / "step-000002")


def test_checkpoint_that_may_not_be_removed_is_a_warning(folder, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(1, "Operation not permitted", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", refuse)
        with pytest.warns(CheckpointWarning, match="step-000001 .*cannot be removed: Operation not permitted"):
            killed.save(folder, 3)
    assert killed.saved(folder) == 3
    killed.save(folder, 4)
    assert not (folder / "step-000001").exists()

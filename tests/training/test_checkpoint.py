import errno
import json
import os
import subprocess
import sys

import pytest
from safetensors.torch import save
from tests.training import killed
from torch import nn

from grucast.errors import CheckpointError, ConfigError, GrucastError
from grucast.model.config import CheckpointConfig
from grucast.training.checkpoint import LATEST, MANIFEST, STATE, Checkpoints, manifest, newest, open_checkpoints, read
from grucast.training.state import State, pack

REPEATS = int(os.environ.get("GRUCAST_REPEATS", "1"))  # how many times as often the slow tests kill


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints of steps 1 and 2."""
    for step in (1, 2):
        killed.save(tmp_path, step)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_last_two_checkpoints_are_kept_and_nothing_else(folder):
    killed.save(folder, 3)
    assert names(folder) == [LATEST, "step-000002", "step-000003"]
    assert names(folder / "step-000003") == [MANIFEST, STATE]
    assert killed.saved(folder) == 3


def test_folders_of_others_are_left_alone(folder):
    (folder / "step-x").mkdir()
    (folder / "notes.txt").write_text("mine")
    killed.save(folder, 3)
    assert names(folder) == [LATEST, "notes.txt", "step-000002", "step-000003", "step-x"]


def test_left_overs_of_a_killed_save_are_no_checkpoints_and_go_at_the_next(folder):
    (folder / "step-000003").mkdir()
    (folder / "step-000003" / f".{STATE}.abc").write_bytes(b"half")
    (folder / f".{LATEST}.abc").write_text("step-0")
    assert killed.saved(folder) == 2
    killed.save(folder, 4)
    assert names(folder) == [LATEST, "step-000002", "step-000004"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("call", ["mkdir", "fsync", "replace"])
def test_save_that_the_system_refuses_names_path_and_reason_and_keeps_the_one_before(folder, monkeypatch, call, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(GrucastError) as stop:
            killed.save(folder, 3)
    assert str(folder / "step-000003") in str(stop.value)
    assert os.strerror(error) in str(stop.value)
    assert stop.value.exit_code == 1
    assert killed.saved(folder) == 2
    killed.save(folder, 3)
    assert killed.saved(folder) == 3


def damaged(path, reason="state.safetensors does not have the sha256 that manifest.json names"):
    with pytest.raises(CheckpointError) as stop:
        read(path)
    left = path.parent / "step-000001"
    return str(stop.value) == f"{path} is damaged: {reason}; remove that folder to go on from {left}"


def test_every_flipped_bit_and_every_cut_is_found(folder, rng):
    path = newest(folder)
    for name in (STATE, MANIFEST):
        content = (path / name).read_bytes()
        places = range(8 * len(content)) if name == MANIFEST else rng.integers(8 * len(content), size=300)
        for place in places:
            changed = bytearray(content)
            changed[place // 8] ^= 1 << place % 8
            (path / name).write_bytes(changed)
            assert damaged(path)
        for size in range(0, len(content), 64):
            (path / name).write_bytes(content[:size])
            assert damaged(path)
        (path / name).unlink()
        assert damaged(path, f"{name}: No such file or directory")
        (path / name).write_bytes(content)
    assert killed.saved(folder) == 2


def test_damaged_checkpoint_that_is_removed_leaves_the_one_before(folder):
    path = newest(folder)
    (path / STATE).write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        killed.saved(folder)
    (path / STATE).unlink()
    (path / MANIFEST).unlink()
    path.rmdir()
    assert killed.saved(folder) == 1


def test_what_has_no_manifest_is_no_checkpoint_even_without_a_pointer(folder):
    (folder / "step-000003").mkdir()
    (folder / "step-000003" / STATE).write_bytes((folder / "step-000002" / STATE).read_bytes())
    (folder / LATEST).unlink()
    assert newest(folder) == folder / "step-000002"


@pytest.mark.parametrize("pointer", [b"", b"..", b"/etc", b"step-000002\0", b"\xff", b"step-000009", b"complete"])
def test_pointer_that_names_nothing_leaves_the_newest(folder, pointer):
    (folder / LATEST).write_bytes(pointer)
    assert killed.saved(folder) == 2


def test_file_that_proves_whole_but_is_foreign_is_refused(folder):
    path = newest(folder)
    deep = save({}, metadata={"grucast": "[" * 100_000})
    incomplete = save({}, metadata={"grucast": json.dumps({"format": 1, "run": 3})})
    for content in (deep, incomplete, b"", b"\x80\x04K\x01.", b"\x02" + bytes(7) + b"{}", b"\xff" * 100):
        (path / STATE).write_bytes(content)
        (path / MANIFEST).write_bytes(manifest(content))
        assert damaged(path, "state.safetensors is no checkpoint of grucast")


def checkpoint_of(network, folder, **run):
    checkpoints = Checkpoints(folder, 1, run)
    checkpoints.save("step-000001", *pack(started(State()), network, None))
    return checkpoints


def started(state):
    state.timer.start()
    return state


def test_other_format_is_refused(tmp_path, monkeypatch):
    checkpoint_of(nn.Linear(1, 1), tmp_path)
    monkeypatch.setattr("grucast.training.checkpoint.FORMAT", 2)
    with pytest.raises(CheckpointError, match=r"format 1, written by grucast 0\..*reads format 2"):
        Checkpoints(tmp_path, 1, {}).restore(nn.Linear(1, 1))


def test_state_that_does_not_fit_is_refused(tmp_path):
    checkpoints = checkpoint_of(nn.Linear(1, 1), tmp_path)
    with pytest.raises(CheckpointError, match="step-000001 holds a state that cannot be used"):
        checkpoints.restore(nn.Linear(1, 2))


def test_what_differs_is_named(tmp_path):
    checkpoint_of(nn.Linear(1, 1), tmp_path, learning_rate=0.004, h=24, data="12ab")
    with pytest.raises(CheckpointError) as stop:
        Checkpoints(tmp_path, 1, {"learning_rate": 0.01, "h": 24, "data": "34cd"}).restore(nn.Linear(1, 1))
    assert "the data differ: fingerprint 12ab, now 34cd; learning_rate was 0.004, now 0.01; give" in str(stop.value)


def test_folder_is_made_and_earlier_checkpoints_are_not_overwritten(tmp_path):
    folder = tmp_path / "a" / "b"
    open_checkpoints(CheckpointConfig(folder), {})
    killed.save(folder, 1)
    with pytest.raises(CheckpointError, match=f"{folder} holds the checkpoints of an earlier run: .*--resume"):
        open_checkpoints(CheckpointConfig(folder), {})
    open_checkpoints(CheckpointConfig(folder, resume=True), {})


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GrucastError, match="file: File exists"):
        open_checkpoints(CheckpointConfig(tmp_path / "file"), {})


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_steps_between_checkpoints_are_a_whole_number(tmp_path, every):
    with pytest.raises(ConfigError, match="checkpoint_every must be a whole number"):
        CheckpointConfig(tmp_path, every)


def test_checkpoint_is_safetensors_and_json(folder):
    from safetensors.numpy import load_file

    assert set(load_file(newest(folder) / STATE)) == {"x", "y"}
    assert set(json.loads((newest(folder) / MANIFEST).read_text())) == {"sha256"}


def kill(*words):
    command = [sys.executable, killed.__file__, *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


def test_process_killed_at_any_system_call_of_a_save_leaves_a_whole_checkpoint():
    assert kill("points") > 20


def test_processes_killed_while_they_save_lose_nothing_that_was_saved():
    assert kill("saves", 20, 1) == 20


def test_runs_killed_at_random_moments_end_with_the_same_bits():
    assert kill("runs", 2, 1) >= 2


@pytest.mark.slow
def test_many_processes_killed_while_they_save_lose_nothing_that_was_saved():
    assert kill("saves", 200 * REPEATS, 2) == 200 * REPEATS


@pytest.mark.slow
@pytest.mark.timeout(1800 * REPEATS)
def test_many_runs_killed_at_random_moments_end_with_the_same_bits():
    assert kill("runs", 20 * REPEATS, 2) >= 20 * REPEATS

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from grucast.errors import CheckpointError, ConfigError, GrucastError
from grucast.model.config import CheckpointConfig
from grucast.training.checkpoint import Checkpoints, manifest, open_checkpoints, read
from grucast.training.folder import LATEST, MANIFEST, STATE, newest
from grucast.training.state import State, pack
from tests.training import killed
from tests.training.line import Line

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
    (folder / "step-000003" / f".{STATE}.0123abcd").write_bytes(b"half")
    (folder / f".{LATEST}.0123abcd").write_text("step-0")
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


def checkpoint_of(members, folder, **run):
    checkpoints = Checkpoints(folder, 1, run)
    checkpoints.save("step-000001", *pack(started(State.of(1)), members))
    return checkpoints


def started(state):
    state.timer.start()
    return state


def test_other_format_is_refused(tmp_path, monkeypatch):
    checkpoint_of(Line(), tmp_path)
    monkeypatch.setattr("grucast.training.checkpoint.FORMAT", 3)
    with pytest.raises(CheckpointError, match=r"format 2, written by grucast 0\..*reads format 3"):
        Checkpoints(tmp_path, 1, {}).restore(Line(), [3])


def test_state_that_does_not_fit_is_refused(tmp_path):
    checkpoints = checkpoint_of(Line(), tmp_path)
    with pytest.raises(CheckpointError, match="step-000001 holds a state that cannot be used"):
        checkpoints.restore(Line(2), [3])


def written_state(folder, mutate):
    """A checkpoint in the middle of training, changed by somebody who writes true checksums."""
    members, state = Line(9), started(State.of(1))
    state.history, state.step = [0.5, 0.25], 2
    state.best.offer(0.3, members.weights)
    tensors, facts = pack(state, members)
    facts = json.loads(json.dumps(facts))
    mutate(tensors, facts)
    checkpoints = Checkpoints(folder, 1, {})
    checkpoints.save("step-000002", tensors, facts)
    return checkpoints


def fact(*path, value):
    """Put a value at a place of the facts."""

    def mutate(_, facts):
        for name in path[:-1]:
            facts = facts[name]
        facts[path[-1]] = value

    return mutate


def tensor(name, value):
    """Put a tensor in the place of another, or remove it."""
    return lambda tensors, _: tensors.pop(name, None) if value is None else tensors.update({name: value})


NUMBERS = ["12", None, [], {}, True, 1.5, float("nan"), float("inf"), -1, -(10**9), 10**10, 10**400]
HOSTILE = {
    **{f"{name} {value!r:.20}": fact(name, value=value) for name in ("phase", "step", "age") for value in NUMBERS},
    **{f"evaluations {value!r:.20}": fact("evaluations", value=value) for value in NUMBERS},
    **{f"timer {value!r}": fact("timer", "spent", value=value) for value in ("12", None, float("nan"), 1e300)},
    **{f"state {value!r:.20}": fact("rng", "state", "state", value=value) for value in ("12", -1, 2**128, None, {})},
    "another generator": fact("rng", "bit_generator", value="MT19937"),
    "a member too many": fact("extra", value=1),
    "no facts": lambda _, facts: facts.clear(),
    "deep": fact("phase", value=json.loads("[" * 900 + "]" * 900)),
    "long": fact("phase", value="x" * 500_000),
    "a step of the next phase": fact("step", value=4),
    "a phase too many": fact("phase", value=2),
    "more steps than history": fact("step", value=3),
    "history of more steps": tensor("history", np.zeros(3)),
    "history of another type": tensor("history", np.zeros(2, np.float32)),
    "history without a shape": tensor("history", np.zeros(())),
    "history of NaN": tensor("history", np.full(2, np.nan)),
    "no history": tensor("history", None),
    "no losses": tensor("losses", None),
    "three losses": tensor("losses", np.zeros(3)),
    "weights of another shape": tensor("weights", np.zeros((9, 1), np.float32)),
    "weights of another type": tensor("weights", np.zeros((1, 9))),
    "infinite weights": tensor("weights", np.full((1, 9), np.inf, np.float32)),
    "best weights of NaN": tensor("best", np.full((1, 9), np.nan, np.float32)),
    "no weights": tensor("weights", None),
    "a foreign tensor": tensor("x" * 100_000, np.zeros(1)),
    "means of another shape": tensor("mean", np.zeros((1, 8), np.float32)),
    "means without squares": tensor("square", None),
    "negative squares": tensor("square", np.full((1, 9), -1, np.float32)),
    "no generators": fact("rngs", value=[]),
    "a generator too many": lambda _, facts: facts["rngs"].append(facts["rng"]),
    "a generator of text": fact("rngs", value=["PCG64"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_state_with_a_true_checksum_is_refused_by_a_short_message(tmp_path, name):
    checkpoints = written_state(tmp_path, HOSTILE[name])
    wanted = r"step-000002 (holds a state that cannot be used: [^.]|is damaged)"
    with pytest.raises(CheckpointError, match=wanted) as stop:
        checkpoints.restore(Line(9), [4, 3])
    assert len(str(stop.value)) < 500


def test_state_that_is_not_changed_is_restored(tmp_path):
    state = written_state(tmp_path, lambda *_: None).restore(Line(9), [4, 3])
    assert (state.phase, state.step, state.history) == (0, 2, [0.5, 0.25])


def test_huge_file_is_refused_before_it_is_read_and_what_differs_is_said_first(folder):
    checkpoints = Checkpoints(folder, 1, {})
    os.truncate(newest(folder) / STATE, 2**37)
    with pytest.raises(CheckpointError, match=r"damaged: .* has more bytes than the state of any such run"):
        checkpoints.restore(Line(), [3])
    with pytest.raises(CheckpointError, match="h was None, now 3"):
        Checkpoints(folder, 1, {"h": 3}).restore(Line(), [3])


def test_checkpoint_that_pytorch_wrote_is_refused_with_what_to_do(tmp_path):
    old = {"format": 1, "library": "0.1.0", "run": {}, "state": {}}
    content = save({"network.w": np.zeros(3, np.float32)}, metadata={"grucast": json.dumps(old)})
    (tmp_path / "step-000002").mkdir()
    (tmp_path / "step-000002" / STATE).write_bytes(content)
    (tmp_path / "step-000002" / MANIFEST).write_bytes(manifest(content))
    with pytest.raises(CheckpointError, match=r"format 1, written by grucast 0\.1\.0; .* begin anew in another folder"):
        Checkpoints(tmp_path, 1, {}).restore(Line(), [3])


def test_two_runs_do_not_share_a_folder(tmp_path):
    with (
        open_checkpoints(CheckpointConfig(tmp_path), {}),
        pytest.raises(CheckpointError, match=f"is in use by process {os.getpid()} on "),
        open_checkpoints(CheckpointConfig(tmp_path, resume=True), {}),
    ):
        pytest.fail("it was opened")
    with open_checkpoints(CheckpointConfig(tmp_path), {}):
        assert names(tmp_path) == ["lock"]


def test_what_differs_is_named(tmp_path):
    checkpoint_of(Line(), tmp_path, learning_rate=0.004, h=24, data="12ab")
    with pytest.raises(CheckpointError) as stop:
        Checkpoints(tmp_path, 1, {"learning_rate": 0.01, "h": 24, "data": "34cd"}).restore(Line(), [3])
    assert "the data differ: fingerprint 12ab, now 34cd; learning_rate was 0.004, now 0.01; give" in str(stop.value)


def test_folder_is_made_and_earlier_checkpoints_are_not_overwritten(tmp_path):
    folder = tmp_path / "a" / "b"
    with open_checkpoints(CheckpointConfig(folder), {}):
        killed.save(folder, 1)
    with (
        pytest.raises(CheckpointError, match=f"{folder} holds the checkpoints of an earlier run: .*--resume"),
        open_checkpoints(CheckpointConfig(folder), {}),
    ):
        pytest.fail("it was opened")
    with open_checkpoints(CheckpointConfig(folder, resume=True), {}) as checkpoints:
        assert checkpoints.folder == folder


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(GrucastError, match="file: File exists"),
        open_checkpoints(CheckpointConfig(tmp_path / "file"), {}),
    ):
        pytest.fail("it was opened")


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

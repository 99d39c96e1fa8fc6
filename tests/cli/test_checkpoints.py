import errno
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

WORDS = ["-h", 6, "--input-size", 48, "--season-length", 24, "--max-steps", 6, "--out", "m.safetensors"]
SAVING = ["--checkpoint-dir", "kept", "--checkpoint-every", 2]


@pytest.fixture
def interrupted(run, data, monkeypatch):
    """A run that Ctrl-C ended at its fifth step, and what it said."""

    def interrupt(progress):
        if progress.step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("grucast.cli.fit.bar", lambda _: nullcontext(interrupt))
        return run("fit", data, *WORDS, *SAVING)


def test_interrupted_run_says_how_to_go_on_and_does_to_the_same_bytes(run, data, tmp_path, interrupted):
    code, _, err = interrupted
    assert code == 130
    assert err == "interrupted after step 5; nothing is saved; go on with --checkpoint-dir kept --resume\n"
    assert run("fit", data, *WORDS, *SAVING, "--resume")[0] == 0
    resumed = (tmp_path / "m.safetensors").read_bytes()
    assert run("fit", data, *WORDS)[0] == 0
    assert (tmp_path / "m.safetensors").read_bytes() == resumed


def test_run_that_does_not_resume_leaves_checkpoints_alone(run, data, interrupted):
    code, out, err = run("fit", data, *WORDS, *SAVING)
    assert (code, out) == (2, "")
    assert "kept holds the checkpoints of an earlier run" in err


def test_other_settings_have_exit_code_2(run, data, interrupted):
    code, _, err = run("fit", data, *WORDS, *SAVING, "--resume", "--seed", 3)
    assert code == 2
    assert "cannot resume from kept/step-000002: seed was 1, now 3" in err


def test_resume_needs_a_folder(run, data):
    code, _, err = run("fit", data, *WORDS, "--resume")
    assert code == 2
    assert "--checkpoint-dir" in err


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_checkpoint_that_cannot_be_written_has_exit_code_1(run, data, tmp_path, monkeypatch, interrupted, error):
    def refuse(_):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        code, out, err = run("fit", data, *WORDS, *SAVING, "--resume")
    assert (code, out) == (1, "")
    assert "cannot write kept/" in err
    assert os.strerror(error) in err
    assert not (tmp_path / "m.safetensors").exists()
    assert run("fit", data, *WORDS, *SAVING, "--resume")[0] == 0


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from grucast.cli import main
main()
"""


def test_file_that_may_not_grow_has_exit_code_1(data, tmp_path):
    command = [sys.executable, "-c", LIMITED, "fit", data, *WORDS, *SAVING]
    result = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "error: cannot write kept/step-000002/state.safetensors: File too large\n"

import os
import re
import subprocess
import sys
import threading

import pytest

from grucast.errors import CheckpointError
from grucast.training.lock import LOCK, locked

HOLD = """
import sys
from pathlib import Path
from grucast.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that is in the folder."""
    command = [sys.executable, "-c", HOLD, tmp_path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def refused(folder):
    with pytest.raises(CheckpointError) as stop, locked(folder):
        pytest.fail("two are in it")
    return str(stop.value)


def test_another_process_is_named(tmp_path, other):
    assert f"{tmp_path} is in use by process {other.pid} on " in refused(tmp_path)


def test_lock_of_a_killed_process_is_none(tmp_path, other):
    other.kill()
    other.wait()
    with locked(tmp_path):
        assert f"process {os.getpid()} on " in (tmp_path / LOCK).read_text()


def test_lock_is_free_after_an_error_and_another_thread_is_kept_out(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    said = []
    with locked(tmp_path):
        thread = threading.Thread(target=lambda: said.append(refused(tmp_path)))
        thread.start()
        thread.join()
    assert f"process {os.getpid()} on " in said[0]
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff" * 300, b"process 1 on \x1b]0;x", b"x" * 10**6])
def test_odd_content_is_not_shown(tmp_path, content):
    with locked(tmp_path):
        (tmp_path / LOCK).write_bytes(content)
        assert re.search(r"is in use by another process: wait", refused(tmp_path))


@pytest.mark.parametrize("make", ["mkdir", "fifo", "link"])
def test_what_is_no_file_is_no_lock_and_stays(tmp_path, make):
    path, elsewhere = tmp_path / LOCK, tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    {"mkdir": path.mkdir, "fifo": lambda: os.mkfifo(path), "link": lambda: path.symlink_to(elsewhere)}[make]()
    with locked(tmp_path), locked(tmp_path):
        assert elsewhere.read_text() == "mine"
    assert not path.is_file() or path.is_symlink()


def test_folder_that_takes_no_file_is_not_locked(tmp_path):
    with locked(tmp_path / "absent"):
        assert not (tmp_path / "absent").exists()

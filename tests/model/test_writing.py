import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grucast.errors import GrucastError
from grucast.model.writing import write_whole

WRITE = "import pathlib, sys; from grucast.model.writing import write_whole; print('before'); "
WRITE += "write_whole(pathlib.Path(sys.argv[1]), b'content\\n'); print('after')"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, umask):
    write_whole(tmp_path / "new", b"content")
    assert mode(tmp_path / "new") == 0o666 & ~umask


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o444, 0o755])
def test_a_replaced_file_keeps_its_mode_and_owner(tmp_path, kept):
    path = tmp_path / "old"
    path.write_bytes(b"before")
    path.chmod(kept)
    if os.geteuid() == 0:
        os.chown(path, 1234, 5678)
    before = path.stat()
    write_whole(path, b"after")
    assert path.read_bytes() == b"after"
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == (kept, before.st_uid, before.st_gid)
    assert path.stat().st_ino != before.st_ino


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path, exists):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    if exists:
        target.write_bytes(b"before")
    link.symlink_to("folder/target")
    (tmp_path / "second").symlink_to(link)
    write_whole(tmp_path / "second", b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_link_to_itself_is_an_error(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(GrucastError, match=r"cannot write .*loop: Too many levels"):
        write_whole(tmp_path / "loop", b"content")


def test_a_device_is_written_into_and_stays_one(tmp_path):
    (tmp_path / "null").symlink_to(os.devnull)
    write_whole(tmp_path / "null", b"content")
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


def test_a_pipe_is_written_into(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"content")
    reader.join()
    assert read == [b"content"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_all_names_of_a_file_hold_what_is_written_to_one(tmp_path):
    (tmp_path / "one").write_bytes(b"before, and longer")
    os.link(tmp_path / "one", tmp_path / "other")
    write_whole(tmp_path / "one", b"after")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"after", "other": b"after"}


def test_a_mounted_file_is_written_into(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EBUSY, "Device or resource busy")

    (tmp_path / "mounted").write_bytes(b"before")
    inode = (tmp_path / "mounted").stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)
    write_whole(tmp_path / "mounted", b"after")
    assert [(path.read_bytes(), path.stat().st_ino) for path in tmp_path.iterdir()] == [(b"after", inode)]


def test_what_is_secret_is_so_while_it_is_written(tmp_path, monkeypatch):
    modes = []
    monkeypatch.setattr(os, "fsync", lambda _: modes.extend(map(mode, tmp_path.iterdir())))
    (tmp_path / "secret").touch(0o600)
    write_whole(tmp_path / "secret", b"content")
    assert modes == [0o600, 0o600]


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "\udcff" * 255])
def test_a_name_of_all_bytes_that_it_may_have_is_written(tmp_path, name):
    write_whole(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a" * 256, "File name too long"), ("a\0b", r"cannot write .*a\\x00b: .*embedded null"), ("no/a", "No such file")],
)
def test_an_impossible_name_is_an_error(tmp_path, name, wanted):
    with pytest.raises(GrucastError, match=wanted):
        write_whole(f"{tmp_path}/{name}", b"content")
    assert not list(tmp_path.iterdir())


def test_an_address_is_named_as_it_was_given():
    with pytest.raises(GrucastError, match="cannot write https://host/model: No such file"):
        write_whole("https://host/model", b"content")


def test_a_full_device_is_an_error():
    with pytest.raises(GrucastError, match="cannot write /dev/full: No space left on device"):
        write_whole(Path("/dev/full"), b"content")


@pytest.mark.parametrize("piped", [True, False])
def test_standard_output_is_written_into_between_what_is_printed(tmp_path, piped):
    with (tmp_path / "out").open("w+b") as file:
        words = [sys.executable, "-c", WRITE, "/dev/stdout"]
        done = subprocess.run(words, stdout=subprocess.PIPE if piped else file, check=True)
    assert (done.stdout if piped else (tmp_path / "out").read_bytes()) == b"before\ncontent\nafter\n"


@pytest.mark.parametrize("target", ["/dev/stderr", "/dev/fd/{}", "/proc/self/fd/{}"])
def test_open_handles_are_written_into_behind_what_they_hold(tmp_path, target):
    with (tmp_path / "log").open("w+b") as file:
        file.write(b"log\n")
        file.flush()
        number = file.fileno()
        words = [sys.executable, "-c", WRITE, target.format(number)]
        subprocess.run(words, stdout=subprocess.PIPE, stderr=file, pass_fds=[number], check=True)
    assert (tmp_path / "log").read_bytes() == b"log\ncontent\n"


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_nothing_is_left_of_a_file_that_the_system_refuses(tmp_path, monkeypatch, call):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    (tmp_path / "old").write_bytes(b"before")
    monkeypatch.setattr(os, call, refuse)
    for name in ("old", "new"):
        with pytest.raises(GrucastError, match=f"cannot write .*{name}: No space left on device"):
            write_whole(tmp_path / name, b"after")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"before")]


def test_nothing_is_left_after_an_interrupt(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "new", b"content")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(GrucastError, match="Is a directory"):
        write_whole(tmp_path, b"content")

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from grucast.cli.streams import OutputStream
from grucast.errors import GrucastError

SHELL = """exec "$0" -c 'from grucast.cli import main; main()' "$@" """
ROW = b'{"ds": "2024-03-11", "y": 1}\n'


@pytest.fixture
def shell(fitted, data, tmp_path):
    """Run a command with its streams sent elsewhere: exit code, output and errors."""
    fitted.save(tmp_path / "m")

    def call(redirection, *words, **environment):
        line = ["bash", "-c", SHELL + redirection, sys.executable, *words]
        done = subprocess.run(
            line, cwd=tmp_path, input=ROW, capture_output=True, check=False, env=os.environ | environment, timeout=60
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return call


@pytest.mark.parametrize(
    ("words", "redirection", "wanted"),
    [
        (
            ["predict", "m", "data.csv"],
            ">&-",
            "error: standard output is closed: leave it open, or send it to /dev/null\n",
        ),
        (["--help"], ">/dev/full", "error: cannot write to standard output: No space left on device\n"),
        (
            ["predict", "m", "data.csv"],
            ">/dev/full",
            "error: cannot write to standard output: No space left on device\n",
        ),
        (["info"], "> >(true)", "error: cannot write to standard output: Broken pipe\n"),
    ],
)
def test_output_that_cannot_be_written_is_one_sentence(shell, words, redirection, wanted):
    assert shell(redirection, *words) == (1, "", wanted)


def test_a_stream_says_that_its_output_is_full(shell, tmp_path):
    wanted = (1, "", "error: cannot write to standard output: No space left on device\n")
    assert shell(">/dev/full", "stream", "m", "--state", "state") == wanted
    assert (tmp_path / "state").exists()


@pytest.mark.parametrize("words", [["check", "-"], ["stream", "m"]])
def test_closed_input_is_one_sentence(shell, words):
    wanted = "error: standard input is closed: send it a file, or name one instead of -\n"
    assert shell("<&-", *words) == (2, "", wanted)


@pytest.mark.parametrize("words", [["check", "-"], ["stream", "m"]])
def test_input_that_cannot_be_read_is_one_sentence(shell, words):
    assert shell("0>input", *words) == (2, "", "error: standard input cannot be read: Bad file descriptor\n")


def test_what_the_system_refuses_anywhere_is_one_sentence(run, monkeypatch):
    def refuse():
        raise OSError(5, "Input/output error", "a\x1bb")

    monkeypatch.setattr("grucast.cli.info.targets", refuse)
    wanted = "error: the system refuses to go on: [Errno 5] Input/output error: 'a\\x1bb'\n"
    assert run("info") == (1, "", wanted)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_without_a_place_for_errors_the_exit_code_tells(shell, redirection):
    assert shell(redirection, "check", "absent.csv") == (2, "", "")


def test_a_closed_stream_is_not_taken_for_the_next_open_file(shell, tmp_path):
    before = (tmp_path / "m").read_bytes()
    assert shell("<&- 2>&-", "predict", "m", "data.csv", "--out", "f.csv")[0] == 0
    assert (tmp_path / "m").read_bytes() == before


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("ascii", ["check", "--help"]), ("cp1252", ["check", "西.csv"]), ("ascii", ["predict", "m", "西.csv"])],
)
def test_commands_speak_to_terminals_of_few_letters(shell, tmp_path, encoding, words):
    (tmp_path / "西.csv").write_bytes((tmp_path / "data.csv").read_bytes().replace(b"\na,", "\n東京,".encode()))
    code, out, err = shell("", *words, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (code, err) == (0, "")
    assert ("\n東京," in out) == ("predict" in words)


def test_nul_in_a_word_is_one_sentence(run):
    for words in (["check", "a\0b"], ["fit", "d.csv", "-h", "6", "--out", "a\0b"], ["check", "d.csv", "--sheet", "\0"]):
        code, out, err = run(*words)
        assert (code, out) == (2, "")
        assert err.endswith("holds the character NUL: leave it out\n")


@pytest.mark.parametrize(
    "words",
    [
        ["check", "LONG"],
        ["check", "*LONG"],
        ["fit", "data.csv", "-h", "6", "--out", "LONG"],
        ["fit", "data.csv", "-h", "6", "--out", "x", "--checkpoint-dir", "LONG"],
        ["predict", "LONG", "data.csv"],
        ["predict", "m", "data.csv", "--future", "LONG"],
        ["plot", "data.csv", "--out", "LONG.png"],
        ["stream", "m", "--state", "LONG"],
        ["demo", "--out", "LONG"],
    ],
)
def test_a_name_longer_than_files_have_is_one_sentence(run, fitted, data, tmp_path, words):
    fitted.save(tmp_path / "m")
    before = sorted(tmp_path.iterdir())
    code, out, err = run(*(word.replace("LONG", "a" * 256) for word in words))
    assert (code in (1, 2), out) == (True, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "option",
    [
        "--id-col",
        "--time-col",
        "--target-col",
        "--freq",
        "--time-format",
        "--time-zone",
        "--decimal",
        "--sheet",
        "--query",
    ],
)
def test_bytes_that_are_no_text_are_one_sentence(run, data, option):
    code, out, err = run("check", "data.csv", option, os.fsdecode(b"\xff\xfe"))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_only_a_stream_with_a_name_says_that_it_fails():
    for name in ("", "the log"):
        with open("/dev/full", "w", buffering=1) as full, pytest.raises(GrucastError) if name else nullcontext():  # noqa: PTH123
            OutputStream(full, name).write("a\n")

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from grucast import load
from grucast.cli.signals import Ending

GRUCAST = [sys.executable, "-c", "from grucast.cli import main; main()"]
ROWS = [json.dumps({"unique_id": "a", "ds": f"2024-03-11 0{hour}:00", "y": hour + 1.5}) + "\n" for hour in range(4)]


@pytest.fixture
def model(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    return str(tmp_path / "m")


def start(*words, **options):
    command = [*GRUCAST, "stream", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


def talk(process, rows):
    """The answers to some rows."""
    answers = []
    for row in rows:
        process.stdin.write(row)
        process.stdin.flush()
        answers.append(process.stdout.readline())
    return answers


@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGHUP", "SIGTERM"], ["SIGINT", "SIGINT"]])
def test_a_stream_that_is_told_to_end_keeps_what_it_saw(model, tmp_path, signals):
    state = str(tmp_path / "state")
    process = start(model, "--state", state, stderr=subprocess.PIPE)
    talk(process, ROWS[:3])
    for name in signals:
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    assert process.returncode in [130 if name == "SIGINT" else -getattr(signal, name) for name in signals]
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "state"]
    resumed, whole = load(model).stream(), load(model).stream()
    resumed.load(state)
    assert (
        resumed.update(json.loads(ROWS[3]))["GRU"].tolist()
        == whole.update(list(map(json.loads, ROWS)))[3]["GRU"].tolist()
    )


def test_what_the_caller_ignores_stays_ignored(model, tmp_path):
    process = start(model, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    talk(process, ROWS[:1])
    process.send_signal(signal.SIGHUP)
    assert json.loads(talk(process, ROWS[1:2])[0])["unique_id"] == "a"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_stream_that_waits_for_its_reader_can_be_ended(model, tmp_path):
    (tmp_path / "rows").write_text(ROWS[0] + "x\n" * 50_000)
    with (tmp_path / "rows").open() as rows:
        command = [*GRUCAST, "stream", model, "--state", str(tmp_path / "state")]
        with subprocess.Popen(command, stdin=rows, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.terminate()
            process.wait(60)
    assert process.returncode == -signal.SIGTERM
    assert (tmp_path / "state").exists()


def test_a_signal_waits_for_the_end_of_a_block():
    ending = Ending()
    done = []

    def work():
        with ending.shield():
            ending(signal.SIGTERM, None)
            done.append(True)

    with pytest.raises(KeyboardInterrupt, match="ended by SIGTERM"):
        work()
    assert done


def test_several_signals_at_once_are_one():
    ending = Ending()
    with pytest.raises(KeyboardInterrupt):
        ending(signal.SIGTERM, None)
    ending(signal.SIGHUP, None)
    assert ending.number == signal.SIGTERM
    ending.after = 0.0
    with pytest.raises(KeyboardInterrupt):
        ending(signal.SIGINT, None)


def test_handlers_come_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Ending().installed():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_command_runs_in_a_thread_of_its_own():
    seen = []

    def work():
        with Ending().installed():
            seen.append(os.getpid())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen

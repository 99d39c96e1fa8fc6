import io
import json
import subprocess
import sys

import numpy as np
import pytest

from grucast import Covariates, GRUForecaster
from tests.conftest import TINY


@pytest.fixture
def model(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def talk(run, monkeypatch):
    """Send lines to `grucast stream`; the objects that come back, and the exit code."""

    def call(model, lines, *options):
        content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code, out, _ = run("stream", model, *options)
        return [json.loads(line) for line in out.splitlines()], code

    return call


def as_lines(frame):
    return [row | {"ds": row["ds"].isoformat()} for row in frame.to_dicts()]


def test_the_last_line_is_the_forecast_of_predict(fitted, hourly, model, talk):
    answers, code = talk(model, as_lines(hourly))
    wanted = fitted.predict().filter(unique_id="b")
    assert (code, len(answers)) == (0, len(hourly))
    assert np.float32(answers[-1]["GRU-hi-95"]).tolist() == np.float32(wanted["GRU-hi-95"]).tolist()
    assert answers[-1]["ds"] == [str(time) for time in wanted["ds"]]
    assert list(answers[-1]) == wanted.columns


BAD = {
    "not JSON": (b"{", "the line is not JSON"),
    "not UTF-8": (b"\xff\xfe{}", "the line is not JSON"),
    "empty": (b"", "the line is not JSON"),
    "no object": (b"[1, 2]", "is not a JSON object"),
    "nan": (b'{"ds": "2024-03-11", "y": NaN}', "NaN; write null"),
    "huge number": (b'{"ds": "2024-03-11", "y": 1e999}', "infinite"),
    "huge integer": (b'{"ds": 1' + b"0" * 400 + b', "y": 1}', "is not a time stamp"),
    "y of 400 digits": (b'{"ds": "2024-03-11", "y": 1' + b"0" * 400 + b"}", "infinite"),
    "half a character": (b'{"unique_id": "\\ud800", "ds": "2024-03-11", "y": 1}', "no text in Unicode"),
    "last day": (b'{"ds": "9999-12-31", "y": 1}', "dates end with 9999-12-31"),
    "nested": (b'{"ds": "2024-03-11", "y": ' + b"[" * 200 + b"]" * 200 + b"}", "more than 32 brackets"),
    "y twice": (b'{"ds": "2024-03-11", "y": 1, "y": 2}', "'y' is there twice"),
    "far": (b'{"unique_id": "a", "ds": "2204-03-11 05:00", "y": 1}', "more than 50 years later"),
    "endless name": (b'{"unique_id": "' + b"x" * 10**6 + b'", "ds": "2024-03-11", "y": "no"}', "is not a number"),
    "endless member": (b'{"' + b"x" * 10**6 + b'": 1}', "there is no 'ds'"),
    "endless integer": (b'{"ds": 1' + b"0" * 5000 + b', "y": 1}', "the line is not JSON"),
    "deep": (b"[" * 100_000, "the line is not JSON"),
    "long": (b" " * (2**20 + 7) + b'{"ds": "2024-03-11", "y": 1}', "longer than 1,048,576 bytes"),
    "nested y": (b'{"ds": "2024-03-11", "y": {"a": 1}}', "is not a number"),
    "missing y at first": (b'{"ds": "2024-03-11", "y": null}', "no y in the last 48 steps"),
    "future of nothing": (b'{"ds": "2024-03-11", "y": 1, "future": {}}', "nothing that is known in advance"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_gives_an_error_with_its_number_and_the_next_goes_on(model, talk, name):
    line, message = BAD[name]
    good = {"unique_id": "a", "ds": "2024-03-11 05:00", "y": 10.0}
    (one, wrong, other), code = talk(model, [good, line, good | {"ds": "2024-03-11 06:00"}])
    assert (code, wrong["line"]) == (0, 2)
    assert message in wrong["error"]
    assert len(wrong["error"]) < 1000
    assert one["GRU"]
    assert other["ds"][0] == "2024-03-11 07:00:00"


def test_what_was_remembered_goes_on_after_a_restart(hourly, model, talk, tmp_path):
    lines = as_lines(hourly.filter(unique_id="a").tail(100))
    whole, _ = talk(model, lines)
    talk(model, lines[:60], "--state", tmp_path / "state")
    rest, _ = talk(model, lines[60:], "--state", tmp_path / "state")
    assert rest == whole[60:]


def test_coming_values_are_read_from_the_line(hourly, tmp_path, talk):
    priced = hourly.with_row_index("price")
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, covariates=Covariates(future=("price",)), **TINY)
    forecaster.fit(priced).save(tmp_path / "m")
    line = as_lines(priced)[0]
    (low, high, missing), _ = talk(
        tmp_path / "m",
        [line | {"unique_id": name, "future": {"price": [price] * 6}} for name, price in (("a", 0), ("b", 900))]
        + [line],
    )
    assert low["GRU"] != high["GRU"]
    assert "this model reads price" in missing["error"]


def test_a_reader_that_leaves_ends_the_stream_in_peace(hourly, model):
    lines = "\n".join(json.dumps(line) for line in as_lines(hourly)).encode()
    command = f"{sys.executable} -c 'from grucast.cli import main; main()' stream {model} | head -n 2"
    done = subprocess.run(["bash", "-c", command], input=lines, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 2


def test_a_stream_never_loads_torch(model):
    code = "import sys\nfrom grucast.cli import main\ntry:\n    main()\nfinally:\n    sys.exit('torch' in sys.modules)"
    line = b'{"ds": "2024-03-11", "y": 1}'
    subprocess.run([sys.executable, "-c", code, "stream", str(model)], input=line, check=True, capture_output=True)


def test_a_store_goes_on_after_the_last_line_and_tells_alarms(fitted, hourly, model, talk, tmp_path):
    lines, store = as_lines(hourly.filter(unique_id="a")), ("--store", f"sqlite:///{tmp_path / 'streams.db'}")
    talk(model, lines[:300], *store)
    answers, code = talk(model, [*lines[300:], lines[-1], lines[-1] | {"ds": "2024-03-11T00:00:00", "y": 1e4}], *store)
    wanted = fitted.predict().filter(unique_id="a")
    assert code == 0
    assert np.float32(answers[-2]["GRU"]).tolist() == np.float32(wanted["GRU"]).tolist()
    assert answers[-1]["alarm"]["y"] == 1e4
    assert answers[-1]["alarm"]["hi"] == pytest.approx(wanted["GRU-hi-95"][0])


def test_state_and_store_exclude_each_other(run, model, tmp_path):
    code, _, err = run("stream", model, "--state", tmp_path / "s", "--store", f"sqlite:///{tmp_path / 's.db'}")
    assert code == 2
    assert "give one of them" in err

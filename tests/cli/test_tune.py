import json

import pytest

import grucast
from tests.tuning.conftest import _small, make_days  # noqa: F401 - a fixture


@pytest.fixture
def days(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_days().write_csv(tmp_path / "days.csv")
    return tmp_path


@pytest.mark.usefixtures("days")
def test_the_model_is_kept_and_the_search_gone_on_with(run):
    code, out, _ = run("tune", "days.csv", "-h", "5", "--trials", "2")
    assert code == 0
    assert "2 trials" in out
    assert grucast.load("days-tuned.safetensors").h == 5
    code, _, said = run("tune", "days.csv", "-h", "5", "--trials", "3")
    assert (code, "days-tuned.safetensors is there already" in said) == (2, True)
    code, out, _ = run("tune", "days.csv", "-h", "5", "--trials", "3", "--overwrite", "--plot", "t.png", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0
    assert len(found["trials"]) == 3
    assert found["settings"]["hidden_size"] in (4, 8)
    assert (found["plot"], found["study"]) == ("t.png", "days-tuning.db")


@pytest.mark.usefixtures("days")
def test_a_time_without_meaning_is_refused(run):
    assert run("tune", "days.csv", "-h", "5", "--max-time", "soon")[0] == 2

import pytest

from grucast.errors import ConfigError
from grucast.server.settings import ServerSettings, find_models


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_other_machines_need_a_token(host):
    with pytest.raises(ConfigError, match="token"):
        ServerSettings(host=host)
    assert ServerSettings(host=host, token="secret").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_none(host):
    assert ServerSettings(host=host).token is None


@pytest.mark.parametrize(("idle", "store"), [(60.0, None), (0.0, "sqlite:///s.db"), (float("nan"), "sqlite:///s.db")])
def test_idle_is_a_time_and_needs_a_store(idle, store):
    with pytest.raises(ConfigError, match="--idle"):
        ServerSettings(store=store, idle=idle)


def test_models_are_found_by_the_names_of_their_files(tmp_path):
    for name in ("a.safetensors", "b.v2.safetensors", "notes.txt"):
        (tmp_path / name).touch()
    assert list(find_models([], str(tmp_path))) == ["a", "b.v2"]
    assert find_models([str(tmp_path / "a.safetensors")], None) == {"a": tmp_path / "a.safetensors"}


def test_names_twice_odd_names_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.safetensors").touch()
    (tmp_path / "a b.safetensors").touch()
    with pytest.raises(ConfigError, match="two models"):
        find_models([str(tmp_path / "a.safetensors")] * 2, None)
    with pytest.raises(ConfigError, match="letters"):
        find_models([str(tmp_path / "a b.safetensors")], None)
    with pytest.raises(ConfigError, match="no model file"):
        find_models(["nothing.safetensors"], None)
    with pytest.raises(ConfigError, match="not a folder"):
        find_models([], str(tmp_path / "nothing"))

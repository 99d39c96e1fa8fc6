"""What deploys the server names options that there are, and ends as it says."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "docs" / "how-to" / "grucast.service"
DOCKERFILE = ROOT / "Dockerfile"
MAIN = "from grucast.cli import main\nif __name__ == '__main__':\n    main()"


def unit_words(folder):
    """The command of the unit, its state in a folder."""
    command = re.search(r"^ExecStart=\S*/grucast (.*)$", UNIT.read_text(), re.M)[1]
    return command.replace("${STATE_DIRECTORY}", str(folder)).split(), {}


def image_words(folder):
    """The command of the image, its volumes in a folder."""
    stage = DOCKERFILE.read_text().split(" AS serve\n")[1].split("\nFROM ")[0]
    store = re.search(r"^ENV (GRUCAST_STORE)=(.*)$", stage, re.M)
    words = json.loads(re.search(r"^ENTRYPOINT (.*)$", stage, re.M)[1])
    environment = {store[1]: store[2].replace("/data", str(folder)), "GRUCAST_TOKEN": "s3cret"}
    return [word.replace("/models", f"{folder}/models") for word in words[1:]], environment


@pytest.mark.parametrize("words_of", [unit_words, image_words])
def test_the_command_serves_and_ends_well(words_of, folder, tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(folder / "small.safetensors", tmp_path / "models")
    (tmp_path / "main.py").write_text(MAIN)
    words, environment = words_of(tmp_path)
    command = [sys.executable, str(tmp_path / "main.py"), *words, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | environment)
    try:
        while not (found := re.search(r"page is at http://[^:]*:(\d+)", line := server.stderr.readline())):
            assert line, "the server ended"
        address, token = f"http://127.0.0.1:{found[1]}", environment.get("GRUCAST_TOKEN")
        assert httpx.get(f"{address}/v2/health/ready").status_code == 200
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert httpx.get(f"{address}/v1/models", headers=headers).json()["models"][0]["name"] == "small"
        body = {"ds": "2024-01-01 00:00", "y": 1.0}
        assert httpx.post(f"{address}/v1/streams/a/observations", json=body, headers=headers).status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        server.stderr.close()
    assert (tmp_path / "streams.db").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_systemd_understands_the_unit(tmp_path):
    text = UNIT.read_text().replace("/opt/grucast/bin/grucast", sys.executable)
    (tmp_path / "grucast.service").write_text(text)
    run = subprocess.run(["systemd-analyze", "verify", tmp_path / "grucast.service"], capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")

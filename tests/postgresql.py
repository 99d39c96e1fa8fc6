"""A PostgreSQL server for tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    """The URL of a PostgreSQL server of our own, which takes the password `s3cret`."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(programs[-1]) if programs else shutil.which("initdb")
    if not found:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        Path(folder, "password").write_text("s3cret")
        data, control = f"{folder}/data", str(Path(found).with_name("pg_ctl"))
        init = [
            found,
            "-D",
            data,
            "-U",
            "tester",
            "-A",
            "scram-sha-256",
            f"--pwfile={folder}/password",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run([*user, *init], check=True, capture_output=True, cwd=folder)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -F"
        start = [control, "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"]
        subprocess.run([*user, *start], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield f"postgresql://tester:s3cret@127.0.0.1:{port}/postgres"
        finally:
            stop = [*user, control, "-D", data, "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, capture_output=True, cwd=folder)

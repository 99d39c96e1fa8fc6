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


class Postgresql:
    """A server of our own with its data in a folder, which takes the password `s3cret`."""

    def __init__(self, folder, program):
        self.folder, self.port = folder, free_port()
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.control = str(Path(program).with_name("pg_ctl"))
        self.url = f"postgresql://tester:s3cret@127.0.0.1:{self.port}/postgres"
        Path(folder).chmod(0o777)
        Path(folder, "password").write_text("s3cret")
        words = ["-U", "tester", "-A", "scram-sha-256", f"--pwfile={folder}/password", "-N", "-E", "UTF8"]
        self.call(program, "-D", f"{folder}/data", *words, capture_output=True)

    def call(self, *words, **options):
        subprocess.run([*self.user, *words], check=True, cwd=self.folder, **options)

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -F"
        words = ["-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start"]
        self.call(self.control, *words, stdout=subprocess.DEVNULL)

    def stop(self):
        self.call(self.control, "-D", f"{self.folder}/data", "-m", "immediate", "stop", capture_output=True)


@pytest.fixture(scope="module")
def postgresql():
    """A PostgreSQL server, which runs."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(programs[-1]) if programs else shutil.which("initdb")
    if not found:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    with tempfile.TemporaryDirectory() as folder:
        own = Postgresql(folder, found)
        own.start()
        try:
            yield own
        finally:
            own.stop()


@pytest.fixture(scope="module")
def server(postgresql):
    """The URL of a PostgreSQL server of our own."""
    return postgresql.url

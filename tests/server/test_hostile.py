"""Clients that mean harm, on raw sockets: others go on, and memory stays bounded."""

import json
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.server.conftest import Running
from tests.server.test_guard import HEAD, send

OPENED = """
import sys
from grucast.server import running
running.HEADER_SECONDS, running.IDLE_SECONDS = 1.0, 1
opened = open({path!r}, "w", buffering=1)
sys.addaudithook(lambda event, given: event == "open" and print(given[0], file=opened))
"""
GET = "GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
MISCHIEF = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nGET /\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 5, 6\r\n\r\n12345",
    "Content-Length: +5\r\n\r\n12345",
    "Content-Length: 0x5\r\n\r\n12345",
    "Content-Length: 1" + "0" * 30 + "\r\n\r\n",
    "Content-Length : 5\r\n\r\n12345",
    "X\r\n\r\n",
    "X: a\0b\r\n\r\n",
    "X: a\rb\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\n",
    "Transfer-Encoding: chunked\r\n\r\n1;" + "x" * 70_000,
    "Transfer-Encoding: chunked\r\n\r\n0\r\n" + "X: 1\r\n" * 20_000,
    "X: 1\r\n" * 20_000,
]


@pytest.fixture(scope="module")
def hostile(folder, tmp_path_factory):
    """A server that gives a head a second, and tells which files it opens."""
    opened = tmp_path_factory.mktemp("opened") / "files"
    running = Running(folder, "body=2_000_000, seconds=2.0, grace=0.2", before=OPENED.format(path=str(opened)))
    running.opened = opened
    yield running
    assert running.end() == 0


def memory(running):
    """MiB that its process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{running.process.pid}/status").read_text())[1]) / 1024


@pytest.fixture
def others(hostile):
    """Other requests meanwhile are answered within a second, and the memory grows by less than 50 MiB."""
    times, done, before = [], threading.Event(), memory(hostile)

    def ask():
        while not done.is_set():
            start = time.monotonic()
            assert hostile.client.get("/v2/health/live").status_code == 200
            times.append(time.monotonic() - start)
            time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    yield
    done.set()
    asking.join()
    assert sorted(times)[int(len(times) * 0.99)] < 1
    assert memory(hostile) < before + 50


@pytest.mark.parametrize("lines", MISCHIEF)
def test_requests_that_mean_two_things_are_refused_and_the_connection_ends(hostile, others, lines):
    said, seconds = send(hostile.port, HEAD, lines, GET, until=3)
    assert not said or said.startswith("HTTP/1.1 400")
    assert said.count("HTTP/1.1 ") <= 1
    assert seconds < 2.5


@pytest.mark.parametrize(
    "start", ["\0", "x" * 100_000, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\0\x01\0", "GET /\r\n\r\n"]
)
def test_what_is_no_http_is_refused(hostile, others, start):
    said, seconds = send(hostile.port, start, until=3)
    assert not said or said.startswith("HTTP/1.1 4")
    assert seconds < 2.5


@pytest.mark.parametrize("path", ["/" + "x" * 100_000, "/v2?" + "x=1&" * 30_000, "/v2/models/\0", "/v2/models/\xff"])
def test_addresses_too_long_or_of_odd_letters_do_no_harm(hostile, others, path):
    said, _ = send(hostile.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1"), until=3)
    assert not said or said.startswith("HTTP/1.1 4") or (said.startswith("HTTP/1.1 200") and "?" in path)


NAMES = [
    "..",
    "../..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%252e%252e",
    "..%5c..",
    "%00",
    "small%00",
    "/etc/passwd",
    "%2fetc%2fpasswd",
]
NAMES += [
    "small.safetensors",
    ".%2fsmall",
    "small%2f",
    "%ef%bc%8e%ef%bc%8e",
    "%c0%ae%c0%ae",
    "~",
    "a" * 5000,
    "SMALL",
    "small%20",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_lead_to_no_file(hostile, name):
    before = len(hostile.opened.read_text().splitlines())
    for path in (f"/v2/models/{name}", f"/v2/models/{name}/ready", f"/v2/models/{name}/infer", f"/page/{name}"):
        said, _ = send(hostile.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert said.startswith("HTTP/1.1 4")
    hostile.client.post("/v1/forecast", json={"data": {}, "model": name})
    later = hostile.opened.read_text().splitlines()[before:]
    assert not [path for path in later if not path.endswith((".py", ".pyc", ".so"))]


def pour(port, start, piece, pause=0.0, most=6.0):
    """Seconds until a server ends a connection on which pieces come and come."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=most) as line:
        try:
            line.sendall(start.encode())
            while time.monotonic() - begin < most:
                line.sendall(piece)
                time.sleep(pause)
        except ConnectionError:
            pass
    return time.monotonic() - begin


@pytest.mark.parametrize("first", ["", GET])
def test_a_head_that_drips_is_dropped_and_so_is_a_second_one(hostile, others, first):
    assert pour(hostile.port, first + "GET /", b"x", 0.05) < 3


def test_a_body_of_very_many_chunks_is_bounded_in_memory_and_keeps_nobody_out(hostile, others):
    chunks = b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    said, _ = send(hostile.port, HEAD, "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, until=10)
    assert said.startswith("HTTP/1.1 4")


@pytest.mark.parametrize("path", ["/v1/forecast", "/nope"])
def test_endless_chunks_end_wherever_they_go(hostile, others, path):
    start = HEAD.replace("/v1/forecast", path) + "Transfer-Encoding: chunked\r\n\r\n"
    assert pour(hostile.port, start, b"10000\r\n" + b"x" * 65536 + b"\r\n") < 5


def test_bodies_shorter_than_they_say_are_given_up(hostile, others):
    said, seconds = send(hostile.port, HEAD, 'Content-Length: 100\r\n\r\n{"data": {}}', until=5)
    assert said.startswith("HTTP/1.1 408")
    assert seconds < 4


def test_a_body_longer_than_it_says_is_another_request(hostile, others):
    said, _ = send(hostile.port, HEAD, 'Content-Length: 12\r\n\r\n{"data": {}}', "rubbish\r\n\r\n", until=3)
    assert said.startswith("HTTP/1.1 422")
    assert said.count("HTTP/1.1 ") == said.count("HTTP/1.1 400") + 1


def test_pipelined_requests_are_answered_in_turn(hostile, others):
    last = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    said, _ = send(hostile.port, GET * 200 + last, until=5)
    assert said.count("HTTP/1.1 200") == 201


def test_who_takes_in_nothing_of_the_answer_is_dropped(hostile):
    count = 15_000
    data = {"unique_id": [f"{i}" for i in range(count)], "ds": ["2024-01-01 00:00"] * count, "y": [1.5] * count}
    body = json.dumps({"data": data}).encode()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", hostile.port))
        line.sendall((HEAD + f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        said = line.recv(1000)
        length = int(re.search(rb"content-length: (\d+)", said)[1])
        time.sleep(2.5)
        line.settimeout(5)
        while piece := line.recv(65536):
            said += piece
    assert said.startswith(b"HTTP/1.1 200")
    assert len(said) < length


def test_it_listens_to_this_machine_only_and_at_one_port(hostile):
    own = {str(link.readlink()) for link in Path(f"/proc/{hostile.process.pid}/fd").iterdir() if link.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = row.split()
            if state == "0A" and f"socket:[{rest[5]}]" in own:
                listening.append(local)
    assert listening == [f"0100007F:{hostile.port:04X}"]

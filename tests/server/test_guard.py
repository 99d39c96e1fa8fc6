import socket
import time

import httpx
import pytest

from tests.server.conftest import Running

HEAD = "POST /v1/forecast HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def send(port, *parts, pause=0.0, until=1.5):
    """What a raw client gets for its bytes, and after how many seconds the connection was closed."""
    start, found = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=until) as line:
        try:
            for part in parts:
                line.sendall(part.encode() if isinstance(part, str) else part)
                time.sleep(pause)
            while piece := line.recv(65536):
                found += piece
        except (ConnectionError, TimeoutError):
            pass
    return found.decode(), time.monotonic() - start


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_other_hosts_are_refused(client, host):
    assert client.get("/v2", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8000"])
def test_names_of_this_machine_are_taken(client, host):
    assert client.get("/v2", headers={"host": host}).status_code == 200


def test_pages_of_other_sites_are_refused(client):
    assert client.get("/v2", headers={"origin": "https://evil.example"}).status_code == 403
    assert client.get("/v2", headers={"origin": "null"}).status_code == 403
    own = f"http://{client.base_url.host}:{client.base_url.port}"
    assert client.get("/v2", headers={"origin": own}).status_code == 200


def test_answers_may_not_be_framed_sniffed_or_read_by_other_sites(client):
    headers = client.get("/v2").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert len(headers["x-request-id"]) == 32
    assert not any(name.startswith("access-control") or name == "server" for name in headers)


def test_errors_carry_no_path_and_no_stack(client, folder):
    for path in ("/nope", "/v2/models/nope", "/v1/forecast", "/v2/models/small/infer", "/openapi.json/x"):
        text = client.post(path, content=b"\xff").text + client.get(path).text
        assert "Traceback" not in text
        assert str(folder) not in text
        assert "site-packages" not in text


def test_large_bodies_are_refused_before_and_while_they_come(server):
    said, _ = send(server.port, HEAD, "Content-Length: 99999999\r\n\r\n")
    assert said.startswith("HTTP/1.1 413")
    chunk = "1000\r\n" + "x" * 4096 + "\r\n"
    said, _ = send(server.port, HEAD, "Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 60)
    assert said.startswith("HTTP/1.1 413") or not said  # the answer may be lost where the client goes on sending


def test_bodies_that_come_slowly_are_dropped(server):
    said, seconds = send(server.port, HEAD, "Content-Length: 100\r\n\r\n{", until=9)
    assert said.startswith("HTTP/1.1 408")
    assert 2 < seconds < 6


def test_many_small_chunks_are_one_body(server):
    chunks = "".join(f"1\r\n{letter}\r\n" for letter in '{"data": {}}') + "0\r\n\r\n"
    said, _ = send(server.port, HEAD, "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", chunks)
    assert said.startswith("HTTP/1.1 4")


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        "Content-Length: -5\r\n\r\n{}",
        "Content-Length: x\r\n\r\n{}",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "X: " + "a" * 100_000 + "\r\n\r\n",
        "\0: 1\r\n\r\n",
    ],
)
def test_requests_that_lie_are_refused_and_others_go_on(server, lines):
    said, _ = send(server.port, HEAD, lines)
    assert not said or said.startswith("HTTP/1.1 4")
    assert server.client.get("/v2/health/live").status_code == 200


def test_a_hundred_silent_connections_keep_nobody_out(server):
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for line in lines:
        line.sendall(b"GET /v2 HTTP/1.1\r\nHost: ")
    start = time.monotonic()
    assert server.client.get("/v2").status_code == 200
    assert time.monotonic() - start < 1
    for line in lines:
        line.close()


@pytest.fixture(scope="module")
def full(folder):
    """A server that has as much to do as it takes."""
    running = Running(folder, "queue=0, grace=0.0")
    yield running
    assert running.end() == 0


BODY = '{"data": {}}'


@pytest.mark.parametrize(
    ("rest", "closed"),
    [
        (f"Content-Length: {len(BODY)}\r\n\r\n{BODY}", False),
        (f"Content-Length: {len(BODY)}\r\n\r\n", False),
        ("Content-Length: 9999999\r\n\r\n", True),
        ("Transfer-Encoding: chunked\r\n\r\n", True),
    ],
)
def test_what_is_too_much_is_refused_before_its_body_comes(full, rest, closed):
    with socket.create_connection(("127.0.0.1", full.port), timeout=3) as line:
        line.sendall((HEAD + rest).encode())
        said = line.recv(65536)
        assert said.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1\r\n" in said.lower()
        assert b"come again in a second" in said + (b"" if b"come" in said else line.recv(65536))
        assert (b"connection: close" in said.lower()) == closed
        if not closed:
            line.sendall(b"" if rest.endswith(BODY) else BODY.encode())
            line.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_server_with_too_much_to_do_lives_and_is_not_ready(full):
    assert full.client.get("/v2/health/live").status_code == 200
    assert full.client.get("/v2/health/ready").status_code == 503
    assert full.client.get("/v1/models").status_code == 200
    full.client.post("/v1/forecast", content=BODY, headers={"content-type": "application/json"})
    assert 'grucast_requests_total{route="none",status="503"}' in full.client.get("/metrics").text


def test_bodies_are_held_up_to_a_limit(folder):
    running = Running(folder, "memory=100_000, grace=0.0")
    try:
        small = {"content": b" " * 90_000, "headers": {"content-type": "application/json"}}
        assert running.client.post("/v1/forecast", **small).status_code == 422
        with socket.create_connection(("127.0.0.1", running.port)) as line:
            line.sendall((HEAD + "Content-Length: 90000\r\n\r\n" + " " * 50_000).encode())
            time.sleep(0.3)
            assert running.client.post("/v1/forecast", **small).status_code == 503
        time.sleep(0.3)
        assert running.client.post("/v1/forecast", **small).status_code == 422
    finally:
        assert running.end() == 0


def test_token_is_asked_for_everywhere_but_for_health(folder):
    running = Running(folder, "grace=0.0", token="secret")
    try:
        address = f"http://127.0.0.1:{running.port}"
        assert httpx.get(f"{address}/v2/health/live").status_code == 200
        for path in ("/v2", "/v1/models", "/metrics", "/openapi.json", "/nope"):
            assert httpx.get(address + path).status_code == 401
            assert httpx.get(address + path, headers={"authorization": "Bearer secre"}).status_code == 401
        assert httpx.get(f"{address}/v2", headers={"authorization": "Bearer secret"}).status_code == 200
    finally:
        assert running.end() == 0

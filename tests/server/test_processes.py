"""Streams under load, in one process and several, and with a store that goes away."""

import asyncio
import json
import os
import random
import signal
import time
from contextlib import ExitStack
from threading import Thread

import httpx
import pytest

from tests.server.conftest import Running
from tests.server.test_streams import post, rows_of, wanted

KILLS = int(os.environ.get("GRUCAST_KILLS", "3"))
SERIES = int(os.environ.get("GRUCAST_SERIES", "40"))
CLIENTS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'streams.db'}"
    return emptied(request.getfixturevalue("postgresql").url)


def emptied(url):
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS grucast_states, grucast_events")
    return url


@pytest.fixture
def start(folder):
    """Start servers with a store, which end with the test."""
    with ExitStack() as stack:

        def begin(url, limits="grace=0.0"):
            running = Running(folder, limits, store=url)
            stack.callback(running.end)
            return running

        yield begin


async def request(port, path, body):
    """Status and body of an answer; who is cut off hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        content = json.dumps(body)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write((head + content).encode())
        answer = await reader.read()
        return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]
    finally:
        writer.close()


def together(*calls):
    """Do these at once, each with its arguments; an error of one is ours."""
    failed = []

    def guarded(call, *arguments):
        try:
            call(*arguments)
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=guarded, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_two_processes_on_one_database_write_the_same_series_and_their_own(start, postgresql, model):
    url, rows = emptied(postgresql.url), rows_of(4, 60)
    servers = [start(url), start(url)]

    def send(running, name):
        for number, row in enumerate(rows):
            shared = post(running.client, "shared", row, sequence=number)
            assert shared.status_code == 200 or (shared.status_code == 409 and "count upwards" in shared.text)
            assert post(running.client, name, row | {"y": row["y"] + 1}, sequence=number).status_code == 200

    together(*((send, running, f"own{k}") for k, running in enumerate(servers)))
    own = wanted(model, [row | {"y": row["y"] + 1} for row in rows])
    for running in servers:
        found = {name: running.client.get(f"/v1/streams/{name}/forecast").json() for name in ("shared", "own0", "own1")}
        assert {name: answer["sequence"] for name, answer in found.items()} == dict.fromkeys(found, len(rows) - 1)
        assert found["shared"]["forecast"] == wanted(model, rows)
        assert found["own0"]["forecast"] == found["own1"]["forecast"] == own


def test_a_database_that_goes_away_is_503_and_comes_back(start, postgresql, model):
    running, rows = start(emptied(postgresql.url), "grace=0.0, seconds=5.0"), rows_of(4, 40)
    assert post(running.client, "a", rows[:20], sequence=1).status_code == 200
    postgresql.stop()
    try:
        for answer in (post(running.client, "a", rows[20:30], sequence=2), running.client.get("/v1/streams")):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert str(postgresql.port) not in answer.text
        assert running.client.get("/v2/health/live").status_code == 200
    finally:
        postgresql.start()
    assert post(running.client, "a", rows[20:30], sequence=2).status_code == 200
    assert post(running.client, "a", rows[30:], sequence=3).json()["forecast"] == wanted(model, rows)


@pytest.mark.timeout(1200)
def test_clients_that_give_up_at_any_moment_leave_whole_updates_in_their_own_series(start, url, model):
    """64 clients; every fourth update is cut off after a random time and sent again; bad values come between."""
    running, chance = start(url), random.Random(7)
    own = {f"s{k}": rows_of(k, 12)[:6] for k in range(SERIES)}

    async def send(name, number):
        path, row = f"/v1/streams/{name}/observations", own[name][number]
        assert (await request(running.port, path, row | {"y": "NaN"}))[0] == 422
        for patience in (chance.uniform(0, 0.1) if chance.random() < 0.25 else None, None):
            try:
                status, said = await asyncio.wait_for(request(running.port, f"{path}?sequence={number}", row), patience)
            except TimeoutError:
                continue
            assert status == 200, said
            return

    async def series(gate, name):
        for number in range(len(own[name])):
            async with gate:
                await send(name, number)

    async def main():
        gate = asyncio.Semaphore(64)
        await asyncio.gather(*(series(gate, name) for name in own))

    asyncio.run(main())
    for name, rows in own.items():
        found = running.client.get(f"/v1/streams/{name}/forecast").json()
        assert (found["sequence"], found["forecast"]) == (len(rows) - 1, wanted(model, rows))


class Client:
    """Who sends one series, and keeps a ledger of what was acknowledged."""

    def __init__(self, place, model):
        self.name, self.acknowledged, self.memory = f"s{place}", -1, model.stream()
        self.rows, self.stored = rows_of(place, 20_000), -1

    def send(self, running):
        """Send row after row until the server is gone."""
        with httpx.Client(base_url=running.client.base_url, timeout=30, verify=False) as client:  # quick to open
            while True:
                number = self.acknowledged + 1
                try:
                    answer = post(client, self.name, self.rows[number], sequence=number)
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                self.acknowledged = number

    def check(self, running):
        """What is stored is what was acknowledged, at most one more, with the bits of a stream in memory."""
        found = running.client.get(f"/v1/streams/{self.name}/forecast")
        if self.acknowledged < 0 and found.status_code == 404:
            return
        number = found.json()["sequence"]
        assert number in (self.acknowledged, self.acknowledged + 1)
        for row in self.rows[self.stored + 1 : number + 1]:
            self.last = self.memory.update({"unique_id": self.name} | row)
        self.stored = number
        wanted = {name: self.last[name].tolist() for name in list(self.last)[2:]}
        assert {name: found.json()["forecast"][name] for name in wanted} == wanted


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_kill_9_of_the_server_under_load_loses_nothing_acknowledged(start, url, model):
    clients, chance = [Client(place, model) for place in range(CLIENTS)], random.Random(time.time_ns())
    for _ in range(KILLS):
        running = start(url)
        for client in clients:
            client.check(running)
        sending = [Thread(target=client.send, args=(running,)) for client in clients]
        for thread in sending:
            thread.start()
        time.sleep(chance.uniform(0.02, 0.8))
        running.process.send_signal(signal.SIGKILL)
        for thread in sending:
            thread.join()
        running.end()
    running = start(url)
    for client in clients:
        client.check(running)
    counts = [client.acknowledged + 1 for client in clients]
    print(f"{KILLS} kills, {sum(counts)} observations acknowledged, none lost")
    assert min(counts) > 0

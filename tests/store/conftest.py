"""Stores of both kinds, and a stream in each."""

from contextlib import ExitStack, closing

import pytest

from grucast.store import StoredStream, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'streams.db'}"
    found = request.getfixturevalue("server")
    import psycopg

    with psycopg.connect(found) as connection:
        connection.execute("DROP TABLE IF EXISTS grucast_states, grucast_events")
    return found


@pytest.fixture
def opening():
    """`open_store`, closed when the test ends."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(open_store(url)))


@pytest.fixture
def store(url, opening):
    return opening(url)


@pytest.fixture
def live(fitted, store):
    return StoredStream(fitted.model_, store)

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from grucast.training.channel import Channel

SHARES = hasattr(os, "memfd_create")


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not SHARES, reason="Linux only"))])
def ends(request):
    """Both ends of a channel, whose arrays go through the socket or through memory that both see."""
    found = [Channel(end, request.param) for end in Pipe()]
    yield found
    for end in found:
        end.close()


def pass_on(one, other, value, arrays):
    """What arrives when one end sends this; a socket may hold less than that, so both are at it together."""
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(one.send, value, arrays)
        found = other.receive()
        sending.result()
    return found


def test_arrays_arrive_as_they_were_sent_both_ways(ends, rng):
    for shapes in ([(3,)], [], [(2, 5), (0,), (), (4, 1, 3)], [(300, 400)], [(7,)]):
        sent = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
        for one, other in (ends, ends[::-1]):
            value, arrays = pass_on(one, other, ("step", len(shapes)), sent)
            assert value == ("step", len(shapes))
            assert [a.dtype for a in arrays] == [np.float32] * len(sent)
            for found, wanted in zip(arrays, sent, strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_arrays_that_arrived_may_be_written(ends):
    _, (found,) = pass_on(*ends, None, [np.ones(4, np.float32)])
    found += 1
    assert found.tolist() == [2] * 4


def test_array_of_another_order_arrives_in_its_own(ends, rng):
    sent = rng.normal(size=(5, 4, 3)).astype(np.float32).transpose(2, 0, 1)[:, ::2]
    np.testing.assert_array_equal(pass_on(*ends, None, [sent])[1][0], sent)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not SHARES, reason="Linux only")
def test_memory_is_handed_over_only_when_it_must_grow():
    one, other = (Channel(end, True) for end in Pipe())
    handles = open_files()
    kept = []
    for size in (10, 5, 10, 11):
        pass_on(one, other, None, [np.zeros(size, np.float32)])
        kept.append(len(other._received))
        assert open_files() - handles <= 2  # each end's map may keep its file
    assert kept == [40, 40, 40, 44]
    for end in (one, other):
        end.close()


@pytest.mark.skipif(not SHARES, reason="Linux only")
@pytest.mark.parametrize("before", [0, 1])
def test_arrays_go_through_the_socket_where_memory_is_refused(before, monkeypatch):
    def refuse(name):
        raise PermissionError(name)

    one, other = (Channel(end, True) for end in Pipe())
    for place, size in enumerate((5, 7, 2)):
        if place == before:
            monkeypatch.setattr(os, "memfd_create", refuse)
        assert pass_on(one, other, None, [np.ones(size, np.float32)])[1][0].tolist() == [1] * size
    one.close(), other.close()


@pytest.mark.skipif(not SHARES, reason="Linux only")
def test_failed_send_leaves_no_file_open_and_no_old_numbers(monkeypatch):
    one, other = (Channel(end, True) for end in Pipe())
    pass_on(one, other, None, [np.ones(2, np.float32)])
    files = open_files()

    def fail(*args):
        raise OSError(args)

    monkeypatch.setattr("grucast.training.channel.send_handle", fail)
    with pytest.raises(OSError, match="Connection"):
        one.send(None, [np.ones(9, np.float32)])
    assert open_files() == files
    one.send(None, [np.full(2, 2, np.float32)])
    assert np.frombuffer(other._received, np.float32).tolist() == [2, 2]
    one.close(), other.close()


def test_end_of_the_other_is_told(ends):
    one, other = ends
    assert not one.poll(0)
    other.close()
    with pytest.raises(EOFError):
        one.receive()

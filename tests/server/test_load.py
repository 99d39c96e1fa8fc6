from contextlib import suppress

import pytest

from grucast.server.load import Load
from grucast.server.settings import Limits


def test_a_request_counts_until_it_is_answered_whatever_happens():
    load = Load(Limits(queue=1))
    with suppress(ValueError), load.working():
        assert load.is_full()
        raise ValueError
    assert not load.is_full()


@pytest.mark.parametrize(
    ("coming", "busy", "listening", "full"), [(0, 0, 0, False), (1, 1, 0, False), (2, 1, 0, True), (1, 3, 2, False)]
)
def test_those_who_only_wait_for_events_do_not_count(coming, busy, listening, full):
    load = Load(Limits(queue=3))
    load.coming, load.busy, load.listening = coming, busy, listening
    assert load.is_full() == full


def test_bodies_are_held_up_to_a_limit():
    load = Load(Limits(memory=100))
    load.held = 60
    assert not load.is_full(40)
    assert load.is_full(41)

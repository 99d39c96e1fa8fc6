import threading

import pytest
import torch

from grucast.nn.threads import kernel_threads, serial_torch


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_torch_has_one_thread_inside_and_its_own_again_after(threads):
    with serial_torch():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads
    with pytest.raises(KeyError), serial_torch():
        raise KeyError
    assert torch.get_num_threads() == threads


def test_kernels_keep_their_threads(threads):
    with serial_torch(), serial_torch():
        assert kernel_threads() == threads
    assert kernel_threads() == threads


def test_blocks_in_two_threads_keep_their_own_and_leave_all_others_theirs():
    torch.set_num_threads(2)
    inside, over, seen = threading.Event(), threading.Event(), {}

    def look(name):
        seen[name] = torch.get_num_threads()

    def first():
        with serial_torch():
            inside.set()
            over.wait()
            look("first")

    def second():
        inside.wait()
        with serial_torch():
            seen["kernels"] = kernel_threads()
            over.set()
            one.join()
            look("second")
        look("after")

    one, two = threading.Thread(target=first), threading.Thread(target=second)
    for thread in (one, two):
        thread.start()
    two.join()
    new = threading.Thread(target=look, args=("new",))
    new.start()
    new.join()
    look("here")
    torch.set_num_threads(1)
    assert seen == {"kernels": 2, "first": 1, "second": 1, "after": 2, "new": 2, "here": 2}

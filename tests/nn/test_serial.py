import pytest
import torch

from grucast.nn.serial import kernel_threads, serial_torch


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

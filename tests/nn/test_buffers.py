import pytest
import torch

from grucast.nn.buffers import Shelf


def test_buffer_comes_back_when_its_lease_ends():
    shelf = Shelf()
    lease = shelf.take(100, torch.float32)
    address = lease.memory.data_ptr()
    other = shelf.take(100, torch.float32)
    assert other.memory.data_ptr() != address
    del lease
    assert shelf.take(80, torch.float32).memory.data_ptr() == address


@pytest.mark.parametrize(("size", "dtype"), [(101, torch.float32), (100, torch.float64), (49, torch.float32)])
def test_buffer_of_another_type_or_a_poor_fit_is_not_used(size, dtype):
    shelf = Shelf()
    lease = shelf.take(100, torch.float32)
    address = lease.memory.data_ptr()
    del lease
    taken = shelf.take(size, dtype)
    assert len(taken.memory) >= size
    assert taken.memory.data_ptr() != address

import pytest
import torch

from grucast.nn.buffer_pool import WORTH_KEEPING, BufferPool

SIZE = WORTH_KEEPING


def test_buffer_comes_back_when_nothing_uses_it():
    pool = BufferPool()
    taken = pool.take(SIZE + 100, torch.float32)
    address, part = taken.data_ptr(), taken.view(2, -1)[1]
    del taken
    other = pool.take(SIZE, torch.float32)
    assert other.data_ptr() != address
    del part
    again = pool.take(SIZE, torch.float32)
    assert again.data_ptr() == address
    assert again.shape == (SIZE,)


@pytest.mark.parametrize(
    ("size", "dtype"), [(2 * SIZE + 1, torch.float32), (2 * SIZE, torch.float64), (SIZE - 1, torch.float32)]
)
def test_buffer_of_another_type_or_a_poor_fit_is_not_used(size, dtype):
    pool = BufferPool()
    taken = pool.take(2 * SIZE, torch.float32)
    address = taken.data_ptr()
    del taken
    other = pool.take(size, dtype)
    assert (other.shape, other.dtype) == ((size,), dtype)
    assert other.data_ptr() != address


def test_a_default_device_is_not_the_buffers():
    with torch.device("meta"):
        assert [BufferPool().take(size, torch.float64).device.type for size in (3, SIZE)] == ["cpu", "cpu"]

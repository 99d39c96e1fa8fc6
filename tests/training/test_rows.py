import numpy as np
import pytest

from grucast import Covariates, NetworkConfig
from grucast.training.rows import Totals, make_rows, numbers_of, pack, to_batch, unpack
from tests.model.test_bits import DECLARED, windows_and_model


@pytest.fixture
def rows(rng):
    """Rows with every kind of column."""
    windows, model = windows_and_model(rng, 30, 3, NetworkConfig(5), declared=DECLARED, level=(80.0,))
    first = np.where(np.arange(30) % 4 == 0, 2, 0)
    return make_rows(windows, np.arange(30), model, first)


def test_rows_come_out_as_they_were_packed(rows):
    again = unpack(pack(rows))
    for name, array in rows._asdict().items():
        found = getattr(again, name)
        np.testing.assert_array_equal(found, array, err_msg=name)
        assert (found.dtype, found.flags.c_contiguous) == (array.dtype, True)


def test_parts_of_a_batch_have_the_bits_of_the_whole(rows):
    totals, whole = Totals.of(rows.mase, rows.percentage, rows.observed), to_batch(rows)
    parts = [to_batch(unpack(pack(rows)[own]), totals) for own in (slice(0, 11), slice(11, 30))]
    np.testing.assert_array_equal(np.concatenate([part.weight for part in parts]), whole.weight)
    np.testing.assert_array_equal(np.concatenate([part.target for part in parts]), whole.target)
    np.testing.assert_array_equal(np.concatenate([part.inputs.steps for part in parts]), whole.inputs.steps)
    assert whole.weight.sum() == pytest.approx(1, rel=0.5)


@pytest.mark.parametrize("h", [3, 90])
@pytest.mark.parametrize("declared", [Covariates(), DECLARED])
def test_numbers_of_a_row_are_about_those_that_it_takes(h, declared, rng):
    windows, model = windows_and_model(rng, 5, h, NetworkConfig(5), declared=declared, level=(80.0,))
    assert numbers_of(model) == pytest.approx(pack(make_rows(windows, np.arange(5), model)).itemsize / 4, rel=0.5)

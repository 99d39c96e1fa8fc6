import numpy as np
import pytest

from grucast.data.checks import means
from grucast.data.checks.means import AHEAD, WIDTH, MeansAround, MovingMeans, Target


@pytest.fixture
def target(rng):
    """Two series, the second the longer, some of their values missing."""
    codes = np.repeat([0, 1], [80, 300])
    y = rng.normal(size=380).cumsum()
    y[rng.random(380) < 0.05] = np.nan
    return Target(codes, np.concatenate([np.arange(80), np.arange(300)]), y)


def test_share_left_is_that_of_numpys_correlation(target, rng):
    rows = 80 + np.flatnonzero(rng.random(299) < 0.9)
    around = MeansAround.at(target, rows)
    own = rng.normal(5, 1, size=379)
    left, y = around.left_over(own), target.y[80:]
    assert set(around.rows) <= set(rows)
    for index in rng.integers(len(AHEAD), size=40):
        at = around.rows + 1 - 80 + AHEAD[index]
        inside = (at - WIDTH[index] >= 0) & (at < 300)
        change = np.full(len(at), np.nan)
        change[inside] = y[at[inside]] - y[at[inside] - WIDTH[index]]
        seen = np.isfinite(change)
        wanted = 1 - np.corrcoef(change[seen], own[around.rows][seen])[0, 1] ** 2 if seen.sum() >= 10 else 1
        assert left[index] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(("ahead", "width"), [(0, 7), (-3, 1), (5, 30), (30, 30), (-30, 30), (1, 2)])
def test_mean_that_a_column_moves_like_is_found(target, ahead, width):
    mean = target.moved(np.arange(ahead - width + 1, ahead + 1)).mean(1)
    assert (ahead, width) in MovingMeans(target).like(target.differences(mean))


def test_columns_of_the_same_rows_share_the_means_and_few_are_remembered(target, rng, monkeypatch):
    made = []
    monkeypatch.setattr(
        means.MeansAround, "at", lambda target, rows, at=MeansAround.at: made.append(1) or at(target, rows)
    )
    moving = MovingMeans(target)
    for _ in range(5):
        moving.like(rng.normal(size=379))
    assert len(made) == 1
    for _ in range(40):
        moving.like(np.where(rng.random(379) < 0.5, rng.normal(size=379), np.nan))
    assert len(moving.around) <= means.KEPT


def test_column_that_never_moves_is_like_none(target):
    assert MovingMeans(target).like(np.zeros(379)) == []
    assert MovingMeans(target).like(np.full(379, np.nan)) == []

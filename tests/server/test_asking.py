import asyncio

import polars as pl
import pytest

from grucast import GRUForecaster
from grucast.server.asking import Ask, read_all
from grucast.server.models import Served
from grucast.server.problems import Problem, Unusable
from grucast.server.settings import Limits
from tests.conftest import TINY
from tests.server.conftest import make_series
from tests.server.test_forecasts import as_json


@pytest.fixture
def served(folder):
    """A model that is asked without a server around it."""
    return Served(folder / "small.safetensors", Limits())


def answers_of(served, histories, levels=(None,)):
    """The answers to histories that ask together, as frames."""

    async def main():
        asked = [Ask(history, None, level, lambda found: found.frame) for history in histories for level in levels]
        return await asyncio.gather(*map(served.answer, asked), return_exceptions=True)

    return asyncio.run(main())


def test_each_gets_what_it_gets_alone_however_its_history_is_written(served, model):
    series = [make_series(seed) for seed in range(12)]
    columns = [as_json(frame) for frame in series]
    kinds = [*columns, *series, *(pl.DataFrame(data).to_dicts() for data in columns)]
    for found, frame in zip(answers_of(served, kinds, [(50.0,)]), 3 * series, strict=True):
        assert found.equals(model.predict(frame, level=(50,)))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"unique_id": ["a"], "ds": ["2024-01-01"], "y": [None]},
        {"unique_id": ["a"] * 2, "ds": ["2024-01-01"] * 2, "y": [1, 2]},
        {"unique_id": ["a"] * 2, "ds": ["2024-01-01"] * 2, "y": [1, [2]]},
        {"unique_id": ["a"] * 2, "ds": ["2024-01-01 00:00", "2024-01-01 00:40"], "y": [1, 2]},
        {"unique_id": [{"a": 1}], "ds": ["2024-01-01"], "y": [1]},
        {"unique_id": ["a"], "ds": [[["2024-01-01"]]], "y": [1]},
        as_json(make_series(1)) | {"y": [float("inf")] * 299},
        [],
        [[]],
        [1, "x"],
        7,
    ],
)
def test_a_history_that_cannot_be_used_is_only_its_own_problem(served, model, wrong):
    good = as_json(make_series(1))
    answers = answers_of(served, [good, wrong, good])
    assert isinstance(answers[1], Problem)
    assert str(answers[1])
    assert answers[0].equals(answers[2])
    assert answers[0].equals(model.predict(make_series(1)))


def test_those_of_different_levels_are_answered_at_once(served, model):
    default, *half, none, wrong = answers_of(served, [as_json(make_series(2))], [None, (50.0,), [50], [], [0.5]])
    want = model.predict(make_series(2))
    assert default.equals(want)
    assert half[0].equals(half[1])
    assert half[0].columns == ["unique_id", "ds", "GRU", "GRU-lo-50", "GRU-hi-50"]
    assert none.equals(want.select("unique_id", "ds", "GRU"))
    assert isinstance(wrong, Unusable)


def test_long_histories_have_the_bits_of_short_ones(served, model):
    many = pl.concat([make_series(seed) for seed in range(25)])
    (found,) = answers_of(served, [as_json(many)])
    assert found.equals(model.predict(many))


def test_forecasts_are_quick_once_they_were(served, model):
    ends = read_all([(model.model_, Ask(make_series(1), None, None, None))])
    assert not served.is_quick(ends)
    served.forecast(100 * ends)
    assert served.is_quick(ends)
    assert not served.is_quick(10**6 * ends)


def test_a_model_that_changes_between_requests_answers_each_by_its_own(served, model):
    other = GRUForecaster(3, 24, 24, **TINY).fit(make_series(3))
    data, before = as_json(make_series(1)), served.forecaster

    async def main():
        asked = Ask(data, None, None, lambda found: found.frame)
        first = asyncio.create_task(served.answer(asked))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        served.forecaster = other
        return await asyncio.gather(first, served.answer(asked))

    one, two = asyncio.run(main())
    assert one.equals(before.predict(make_series(1)))
    assert two.equals(other.predict(make_series(1)))

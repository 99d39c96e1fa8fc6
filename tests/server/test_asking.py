import polars as pl
import pytest

from grucast.server.asking import Ask, answer_all
from grucast.server.problems import Problem, Unusable
from tests.server.conftest import make_series
from tests.server.test_forecasts import as_json


def frames_of(model, histories, level=None):
    """The answers to histories that ask together, as frames."""
    return answer_all(model.model_, [Ask(history, None, level, lambda found: found.frame) for history in histories])


def test_each_gets_what_it_gets_alone_however_its_history_is_written(model):
    series = [make_series(seed) for seed in range(12)]
    columns = [as_json(frame) for frame in series]
    kinds = [*columns, *series, *(pl.DataFrame(data).to_dicts() for data in columns)]
    for found, frame in zip(frames_of(model, kinds, (50.0,)), 3 * series, strict=True):
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
def test_a_history_that_cannot_be_used_is_only_its_own_problem(model, wrong):
    good = as_json(make_series(1))
    answers = frames_of(model, [good, wrong, good])
    assert isinstance(answers[1], Problem)
    assert str(answers[1])
    assert answers[0].equals(answers[2])
    assert answers[0].equals(model.predict(make_series(1)))


def test_those_of_different_levels_are_answered_at_once(model):
    data = as_json(make_series(2))
    asked = [Ask(data, None, level, lambda found: found.frame) for level in (None, (50.0,), [50], [], [0.5])]
    default, *half, none, wrong = answer_all(model.model_, asked)
    want = model.predict(make_series(2))
    assert default.equals(want)
    assert half[0].equals(half[1])
    assert half[0].columns == ["unique_id", "ds", "GRU", "GRU-lo-50", "GRU-hi-50"]
    assert none.equals(want.select("unique_id", "ds", "GRU"))
    assert isinstance(wrong, Unusable)
